"""Pictures of predictions."""

from pathlib import Path
from typing import Any

from tasks.common.images.decoding import DecodedImage
from tasks.common.images.saving import picture_of, save_picture
from tasks.common.predictions.entries import Entry
from tasks.common.predictions.wanted import Wanted
from tasks.common.training.comparison import confident
from tasks.common.training.described import Described


class Pictures:
    """Draws predictions on their photos, in a folder that keeps the photos' own folders.

    Args:
        output: Gets ``pictures``.
        root: The folder that the photos are in, or below.
        min_score: Predictions below it are not drawn.
        pages: Whether tasks that have one write a page beside each picture.
    """

    def __init__(self, output: Path, *, root: Path, min_score: float, pages: bool) -> None:
        self.output = output
        self.root = root
        self.min_score = min_score
        self.pages = pages

    @classmethod
    def of(cls, wanted: Wanted, output: Path, *, root: Path) -> "Pictures | None":
        """Those that are wanted, or None."""
        if wanted.draw_from is None:
            return None
        return cls(output, root=root, min_score=wanted.draw_from, pages=wanted.pages)

    def draw(
        self, task: Described, photo: Path, number: int, image: DecodedImage, entry: Entry
    ) -> str:
        """Draws a photo's entry, and says where, from the folder of the output."""
        place = self._place(photo, number)
        save_picture(place, self.drawn(task, image, entry))
        if self.pages:
            task.illustrate(entry, place)
        return place.relative_to(self.output).as_posix()

    def drawn(self, task: Described, image: DecodedImage, entry: Entry) -> Any:
        """The picture, RGB, ``(H, W, 3)``."""
        return task.draw(image.pixels, confident(entry, self.min_score), size=image.size)

    def _place(self, photo: Path, number: int) -> Path:
        folder = self.output / "pictures"
        if photo.parent.is_relative_to(self.root):
            folder /= photo.parent.relative_to(self.root)
        return picture_of(photo, number, folder=folder)
