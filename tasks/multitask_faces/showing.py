"""How a page shows all that several heads say of faces, from one pass over the backbone."""

from tasks.common.predictions.network import Network
from tasks.common.showing.view import Limits
from tasks.face_embedding.showing import PeopleView


class PartsView(PeopleView):
    """Every face with its attributes and the nearest of the people who are known."""

    def alignment(self, network: Network) -> str:
        return str(network.config.data.embedding.alignment)

    def command(self, network: Network, limits: Limits, *, knows: bool) -> tuple[str, list[str]]:
        return "predict", []  # of the middle face, as the command looks at one of a photo


view = PartsView()
