"""Writes and draws what is found in each photo, as it comes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.common.images.decoding import image_size, read_image
from tasks.common.predictions.chosen import Chosen
from tasks.common.predictions.drawing import Pictures
from tasks.common.predictions.entries import EntryFile
from tasks.common.predictions.network import Seen
from tasks.common.report import counted
from tasks.common.training.described import Described

STRETCHED = 4  # sides whose relation is more are far from what a square shows of them


class PredictionWriter:
    """Adds an entry to the file for each photo, after its picture is drawn.

    Attributes:
        errors: A message for each photo that could not be read.
        stretched: How many photos have a side many times the other.

    Args:
        photos: All of them, by whose order their pictures are numbered.
        looked_at: The places in there of those that are looked at now.
        entries: Get one dictionary a photo, with its ``file``.
        described: Draws the pictures.
        chosen: What of it is of interest.
        pictures: None for no pictures.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        looked_at: Sequence[int],
        entries: EntryFile,
        *,
        described: Described,
        chosen: Chosen,
        pictures: Pictures | None,
    ) -> None:
        self.photos = photos
        self.looked_at = looked_at
        self.entries = entries
        self.described = described
        self.chosen = chosen
        self.pictures = pictures
        self.errors: list[str] = []
        self.stretched = 0

    def __call__(self, seen: Seen) -> None:
        """Writes what is found in a batch of the photos that are looked at now."""
        self.errors += seen.errors
        for place, entry in zip(seen.places, seen.entries, strict=True):
            self._write(self.looked_at[place], self.chosen(entry))

    def _write(self, number: int, entry: Mapping[str, Any]) -> None:
        photo = self.photos[number]
        said: dict[str, Any] = {"file": str(photo)}
        if self.pictures:
            image = read_image(photo, huge_reduced=True)
            said["picture"] = self.pictures.draw(self.described, photo, number, image, entry)
            width, height = image.size
        else:
            width, height = image_size(photo)
        self.stretched += max(width, height) > STRETCHED * min(width, height)
        self.entries.add({**said, "width": width, "height": height, **entry})

    def notes(self, *, in_parts: bool) -> list[str]:
        """What to say of photos that a square shows badly.

        Args:
            in_parts: Whether the task can look at photos part by part, and has not.
        """
        if not (self.stretched and in_parts):
            return []
        photos = counted(self.stretched, "photo has", "photos have")
        return [
            f"{photos} a side over {STRETCHED} times the other, and a square shows them squashed: "
            "tile=300 looks at them part by part"
        ]
