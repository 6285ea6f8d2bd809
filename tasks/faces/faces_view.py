"""How a page shows all faces of a photo."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.common.images.decoding import DecodedImage, read_image
from tasks.common.predictions.entries import Entry
from tasks.common.predictions.network import Network
from tasks.common.showing.view import Limits, View
from tasks.faces.alignment import at_side

if TYPE_CHECKING:
    from tasks.faces.landmarks import FaceFinder


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

    @cached_property
    def finder(self) -> "FaceFinder":
        """Finds small ones too, as photos of many people show them."""
        from tasks.faces.landmarks import SMALLEST_FACE, FaceFinder

        return FaceFinder((SMALLEST_FACE,))

    def searches(self, network: Network) -> bool:
        """Whether faces are searched for; otherwise a photo is one."""
        return True

    def entries(
        self, network: Network, files: Sequence[Path], known: Mapping[str, Sequence[Path]]
    ) -> list[dict[str, Any]]:
        return [{"faces": self._faces(network, read_image(file).pixels)} for file in files]

    def _faces(self, network: Network, pixels: np.ndarray) -> list[dict[str, Any]]:
        # which brings torch with it
        from tasks.faces.photos import described_faces, face_frames

        finder = self.finder if self.searches(network) else None
        frames = face_frames(pixels, finder, **self.framing)
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
