"""How a page shows what a photo shows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.common.predictions.entries import Entry
from tasks.common.predictions.network import Network
from tasks.common.showing.view import Bound, Limits, View


class ClassView(View):
    """The likeliest classes as bars, and beside the photo what decided the first of them."""

    title = "Classify"

    def bound(self, network: Network) -> Bound:
        return Bound("Lowest score", 1.0, 0.0)

    def entries(
        self, network: Network, files: Sequence[Path], known: Mapping[str, Sequence[Path]]
    ) -> list[dict[str, Any]]:
        """A network in a file has no gradients, and thus no heat map."""
        if network.described.has_heat_maps:
            network.described.heat_maps = True
        return super().entries(network, files, known)

    def bars(self, entry: Entry) -> dict[str, float]:
        return {row["name"]: row["score"] for row in entry["classes"]}

    def command(self, network: Network, limits: Limits, *, knows: bool) -> tuple[str, list[str]]:
        name, settings = super().command(network, limits, knows=knows)
        return name, [*settings, *["heat_map=true"] * network.described.heat_maps]


view = ClassView()
