"""Data sets that are drawn on the spot, on disk as real ones lie there."""

from collections.abc import Callable
from pathlib import Path

from tasks.common.data.photo_module import PhotoData
from tasks.common.data.photos import PhotosT


class DrawnPhotos(PhotoData[PhotosT]):
    """Photos that are drawn when they are first asked for; a kind of data comes beside it.

    Attributes:
        write: Draws them into a folder, unless they are there.
    """

    write: Callable[[Path], None]

    def prepare_data(self) -> None:
        self.write(Path(str(self.root)))

    def folder(self) -> Path:
        self.prepare_data()
        return super().folder()
