"""How a page shows where a photo was taken."""

from tasks.common.predictions.network import Network
from tasks.common.showing.view import Bound, View


class PlaceView(View):
    """A map of the likeliest cells beside the photo, and a row for each."""

    title = "Place"
    has_classes = False  # names of cells say nothing to a reader

    def bound(self, network: Network) -> Bound:
        return Bound("Lowest score of a cell", 1.0, 0.0)


view = PlaceView()
