"""Photos that a table lists, as training data."""

from pathlib import Path
from typing import Any

from backbone.errors import InputError
from tasks.common.data.label_tables import LabelRows, part_of
from tasks.common.data.photo_module import PhotoData
from tasks.common.data.photos import PhotosT


class ListedPhotos(PhotoData[PhotosT]):
    """Photos with what a table says of each.

    Args:
        table: The file; None for the only one in ``root``.
        images: Folder of the photos; None for ``root``.
        val_share: Of the photos, about, to validate on; None where a column ``split`` says which.
        group: What of them stays together then; see ``held_out``.
        **photos: See ``PhotoData``.
    """

    def __init__(
        self,
        *,
        table: str | int | None = None,
        images: str | int | None = None,
        val_share: float | None = None,
        group: str | None = None,
        **photos: Any,
    ) -> None:
        super().__init__(**photos)
        self.table = table
        self.images = images
        self.val_share = val_share
        self.group = group

    def image_folder(self) -> Path:
        """The folder that the names in the table are relative to.

        Raises:
            InputError: If there is none.
        """
        folder = self.folder() if self.images is None else Path(str(self.images))
        if not folder.is_dir():
            raise InputError(f"data.images={folder}: there is no such folder")
        return folder

    def part_of(self, photos: PhotosT, rows: LabelRows, split: str) -> PhotosT:
        """The photos of ``train`` or ``val`` among all of a table, as ``part_of`` has them."""
        return part_of(photos, rows, split, val_share=self.val_share, group=self.group)
