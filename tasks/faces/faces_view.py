"""How a page shows all faces of a photo."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.images.decoding import DecodedImage, read_image
from tasks.common.predictions.entries import Entry
from tasks.common.predictions.network import Network
from tasks.common.showing.view import Limits, View
from tasks.faces.alignment import at_side
from tasks.faces.finders import MTCNN, Finder, check_alignment, finder_of, searches


class FacesView(View):
    """Every face of a photo, found once for all that a network says of it.

    Args:
        scale: Side of what is shown of a face, over that of the aligned square.
        shift: How far below that square's middle it is, in sides of the square.
    """

    title = "Faces"
    has_classes = False

    def __init__(self, *, scale: float = 1.0, shift: float = 0.0) -> None:
        self.framing = {"scale": scale, "shift": shift}
        self._finders: dict[str, Finder] = {}

    def alignment(self, network: Network) -> str:
        """How faces are found, see ``finder_of``."""
        return MTCNN

    def _finder(self, network: Network) -> Finder | None:
        """What finds small faces too, as photos of many people show them."""
        alignment = self.alignment(network)
        check_alignment(alignment)
        if not searches(alignment):
            return None
        if alignment not in self._finders:
            self._finders[alignment] = finder_of(alignment, every_face=True)
        return self._finders[alignment]

    def entries(
        self, network: Network, files: Sequence[Path], known: Mapping[str, Sequence[Path]]
    ) -> list[dict[str, Any]]:
        return [{"faces": self._faces(network, read_image(file).pixels)} for file in files]

    def _faces(self, network: Network, pixels: np.ndarray) -> list[dict[str, Any]]:
        # which brings torch with it
        from tasks.faces.photos import described_faces, face_frames

        frames = face_frames(pixels, self._finder(network), **self.framing)
        side = int(network.config.data.image_size)
        at_network = np.stack([at_side(frame, side) for frame in frames]) if len(frames) else frames
        return described_faces(
            pixels,
            frames,
            lambda views: network.describe(views.permute(0, 2, 3, 1).numpy(), at_network),
            side=side,
        )

    def kept(self, entry: Entry, limits: Limits) -> dict[str, Any]:
        return dict(entry)

    def picture(
        self, network: Network, image: DecodedImage, entry: Entry, limits: Limits
    ) -> np.ndarray:
        from tasks.faces.photos import draw_faces

        return draw_faces(
            image.pixels, entry["faces"], lambda face: self.caption(face, limits), size=image.size
        )

    @abstractmethod
    def caption(self, face: Mapping[str, Any], limits: Limits) -> list[str]:
        """The lines beside a face."""

    def rows(self, entry: Entry, limits: Limits) -> list[dict[str, Any]]:
        """A row a face, numbered."""
        return [
            {"face": number, "says": ", ".join(self.caption(face, limits))}
            for number, face in enumerate(entry["faces"], 1)
        ]

    def bars(self, entry: Entry) -> dict[str, float]:
        """Attributes of the only face."""
        if len(entry["faces"]) != 1:
            return {}
        return {row["name"]: row["score"] for row in entry["faces"][0].get("attributes", [])}


def likely(face: Mapping[str, Any], least: float) -> list[str]:
    """The attributes of a face that score so much, the likeliest first."""
    return [
        f"{attribute['name']} {attribute['score']:.0%}"
        for attribute in face.get("attributes", [])
        if attribute["score"] >= least
    ]
