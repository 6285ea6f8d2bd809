"""A data set drawn on the spot, on disk as a real one."""

from pathlib import Path
from typing import Any

from tasks.geolocation.data import GeolocationData
from tasks.geolocation.demo.earth import write_earth


class DemoEarth(GeolocationData):
    """Photos of an Earth of 12 towns.

    Args:
        num_train: Training photos.
        num_val: Validation photos.
        **photos: See ``GeolocationData``.
    """

    def __init__(self, *, num_train: int, num_val: int, **photos: Any) -> None:
        super().__init__(**photos)
        self.num_photos = {"train": num_train, "val": num_val}

    def prepare_data(self) -> None:
        write_earth(Path(str(self.root)), num_photos=self.num_photos, seed=self.seed)

    def folder(self) -> Path:
        self.prepare_data()  # what is there is not drawn again
        return super().folder()
