"""A data set drawn on the spot, on disk as a real one."""

from functools import partial
from typing import Any

from tasks.common.data.drawn import DrawnPhotos
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.demo.earth import write_earth
from tasks.geolocation.photos import GeoPhotos


class DemoEarth(DrawnPhotos[GeoPhotos], GeolocationData):
    """Photos of an Earth of 12 towns.

    Args:
        num_train: Training photos.
        num_val: Validation photos.
        **photos: See ``GeolocationData``.
    """

    def __init__(self, *, num_train: int, num_val: int, **photos: Any) -> None:
        super().__init__(**photos)
        num_photos = {"train": num_train, "val": num_val}
        self.write = partial(write_earth, num_photos=num_photos, seed=self.seed)
