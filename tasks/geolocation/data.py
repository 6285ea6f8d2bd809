"""Photos in a folder and a table of where they were taken, as training data."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from backbone.errors import InputError, check_number
from tasks.common.data.module import Collate
from tasks.common.data.photo_module import PhotoData
from tasks.common.data.samples import Sample
from tasks.common.images.decoding import ImageFile
from tasks.common.report import counted
from tasks.geolocation.albums import AlbumSet, collate
from tasks.geolocation.cells.adaptive import granularities, sorted_leaves
from tasks.geolocation.cells.partition import CellLabels, Partition, make_partition, read_partition
from tasks.geolocation.photos import GeoPhotos, check_there, read_photos
from tasks.geolocation.tables.bad_rows import BadRows

# How cells are made if nothing is given. Near 5000 for the 4.7 million photos of MP-16, which is
# what its users take, and 10,000 to 20,000 for PlaNet's 91 million, where 10,000 was chosen.
PHOTOS_PER_ROOT = 2  # max_photos by the square root of the number of training photos
MAX_BY_MIN_PHOTOS = 100  # as on MP-16; PlaNet has 200


class GeolocationData(PhotoData[GeoPhotos]):
    """Photos with latitude and longitude, for training and validation.

    Args:
        root: Folder with ``photos.csv`` and ``photos/``, or None where these are given.
        table: With the columns ``file, latitude, longitude, split`` and, for albums, ``place``;
            None for ``root/photos.csv``.
        images: Folder of the files; None for ``root/photos``.
        cells: File of the partition; None to make one of the training photos.
        max_photos: See ``granularities``; None for twice the square root of the number of training
            photos.
        min_photos: None for a hundredth of ``max_photos``.
        min_level: Of S2's, which cells are split down to.
        max_level: Of S2's, which none is split below.
        on_bad_row: ``error`` or ``drop``.
        album_size: Photos of a place that are shown together, at most, as ``cells_album`` learns
            from them; a batch has that many times ``batch_size``. None for single photos.
        val_share: Of the places, about, to validate on; None where the table has a split.
        group: What is validated on as a whole then, instead of places, such as all photos of a
            user; see ``held_out``.
        **photos: See ``PhotoData``.
    """

    default_image_size = 224
    layout = "photos.csv (file, latitude, longitude, split) and photos/"

    def __init__(
        self,
        *,
        root: str | int | None,
        table: str | None,
        images: str | int | None,
        cells: str | None,
        max_photos: int | Sequence[int] | None,
        min_photos: int | Sequence[int] | None,
        min_level: int,
        max_level: int,
        on_bad_row: str,
        album_size: int | None,
        val_share: float | None = None,
        group: str | None = None,
        **photos: Any,
    ) -> None:
        super().__init__(root=root, **photos)
        self.table = table
        self.images = images
        self.cells = cells
        self.max_photos = max_photos
        self.min_photos = min_photos
        self.levels = {"min_level": min_level, "max_level": max_level}
        self.on_bad_row = on_bad_row
        if album_size is not None:
            check_number("data.album_size", album_size, at_least=1, whole=True)
        self.album_size = album_size
        self.val_share = val_share
        self.group = group
        self.notes: list[str] = []

    def places(self) -> tuple[Path, Path]:
        """The table and the folder of photos that the user gave.

        Raises:
            InputError: If there are none.
        """
        if self.table is None or self.images is None:
            if self.root in (None, "") and (self.table or self.images):
                raise InputError("Give data.table=FILE and data.images=DIR, or data.root=DIR")
            folder = self.folder()
        table = folder / "photos.csv" if self.table is None else Path(str(self.table))
        images = folder / "photos" if self.images is None else Path(str(self.images))
        if not images.is_dir():
            raise InputError(f"data.images={images}: there is no such folder")
        return table, images

    @cached_property
    def listed(self) -> dict[str, GeoPhotos]:
        """The photos of both splits as the table has them."""
        table, images = self.places()
        bad_rows = BadRows(table, on_bad_row=self.on_bad_row)
        found = read_photos(
            table, images, bad_rows=bad_rows, val_share=self.val_share, group=self.group
        )
        self.notes = bad_rows.check()
        return found

    def read(self, split: str) -> GeoPhotos:
        photos = self.listed[split]
        check_there(photos, split, self.places()[0])
        if split != "train":
            return photos
        cells = self.partition.holding(photos.points)
        inside = np.all(cells >= 0, axis=1)
        if not inside.any():
            raise InputError(f"cells={self.cells}: no training photo is in any of these cells")
        kept = replace(photos, targets=cells, label_map=self.label_map).select(inside)
        if inside.all():
            return kept
        left_out = counted(int((~inside).sum()), "photo", "photos")
        return replace(kept, notes=(f"{left_out} left out, in cells that were dropped",))

    @cached_property
    def partition(self) -> Partition:
        """The cells to tell apart."""
        if self.cells is not None:
            return read_partition(Path(str(self.cells)))
        photos = self.listed["train"]
        check_there(photos, "train", self.places()[0])
        most = self.max_photos
        if most is None:
            most = round(PHOTOS_PER_ROOT * math.sqrt(len(photos)))
        least = self.min_photos
        if least is None:
            coarsest = most[0] if isinstance(most, Sequence) else most
            least = max(int(coarsest) // MAX_BY_MIN_PHOTOS, 1)
        wanted = granularities(most, least, **self.levels)
        return make_partition(sorted_leaves([photos.points]), wanted)

    @cached_property
    def label_map(self) -> CellLabels:  # type: ignore[override]
        """The cells as classes."""
        return self.partition.label_map()

    def counts(self, photos: GeoPhotos) -> str:
        albums = len(np.unique(photos.albums))
        return f"{len(photos)} photos of {albums} places"

    @property
    def train_set(self) -> Dataset[Any]:  # type: ignore[override]
        """Augmented training photos, or albums of them."""
        return self.in_albums(super().train_set, "train")

    @property
    def val_set(self) -> Dataset[Any]:  # type: ignore[override]
        """The middle of each validation photo, one by one or in albums."""
        return self.in_albums(super().val_set, "val")

    def in_albums(self, shown: Dataset[Sample], split: str) -> Dataset[Any]:
        """Photos as albums, if these were asked for."""
        if self.album_size is None:
            return shown
        photos = self.photos(split)
        return AlbumSet(shown, photos.albums, size=self.album_size)

    @property
    def collate(self) -> Collate:
        return partial(collate, image_size=self.image_size)

    def val_photo(self, index: int) -> tuple[ImageFile, dict[str, Any]]:
        """A validation photo and where it was taken."""
        photos = self.photos("val")
        latitude, longitude = photos.points[index].tolist()
        return photos.image(index), {"location": {"latitude": latitude, "longitude": longitude}}

    def report_lines(self) -> list[str]:
        """Counts of the splits that were read, what was left out, and the cells."""
        lines = super().report_lines()
        if "train" in self._photos:
            lines += [f"cells: {line}" for line in self.partition.lines()]
        if {"train", "val"} <= self._photos.keys():
            shared = np.intersect1d(self.listed["train"].albums, self.listed["val"].albums)
            if len(shared):
                lines.append(f"Leak: {len(shared)} places have photos in both splits")
        return lines + self.notes
