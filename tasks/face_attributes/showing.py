"""How a page shows what faces show."""

from collections.abc import Mapping
from typing import Any

from tasks.common.predictions.network import Network
from tasks.common.showing.view import Limits
from tasks.faces.faces_view import FacesView, likely


class AttributesView(FacesView):
    """Every face with what it shows."""

    def caption(self, face: Mapping[str, Any], limits: Limits) -> list[str]:
        return likely(face, limits.bound)

    def command(self, network: Network, limits: Limits, *, knows: bool) -> tuple[str, list[str]]:
        return "demo_face_attributes", [f"pictures.min_score={limits.bound:g}"]


view = AttributesView(scale=0.7, shift=0.17)  # FairFace's, as in configs/demo_face_attributes.yaml
