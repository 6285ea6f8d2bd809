"""Photos whose names say how bright they are."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tasks.common.data.labels import LabelMap
from tasks.common.data.photo_module import PhotoData
from tasks.common.data.photos import Photos, relative_names
from tasks.common.images.finding import find_images

LABELS = LabelMap(("bright",), (1,))


class BrightnessData(PhotoData[Photos]):
    """``train`` and ``val``, with photos that are named by their brightness in percent."""

    default_image_size = 32
    layout = "train/ and val/, with photos named by their brightness in percent, such as 40.png"

    def read(self, split: str) -> Photos:
        folder = self.folder() / split
        paths = find_images(folder)
        shares = np.array([[int(path.stem) / 100] for path in paths], dtype=np.float32)
        return Photos(folder, relative_names(folder, paths), shares, LABELS)

    def counts(self, photos: Photos) -> str:
        return f"{len(photos)} photos"

    def val_photo(self, index: int) -> tuple[Path, dict[str, Any]]:
        """A validation photo and how bright it is."""
        photos = self.photos("val")
        return photos.path(index), {"brightness": float(photos.targets[index, 0])}


class DemoBrightness(BrightnessData):
    """Gray photos.

    Args:
        num_train: Photos to train on.
        num_val: Photos to test on.
        **photos: See ``PhotoData``.
    """

    def __init__(self, *, num_train: int, num_val: int, **photos: Any) -> None:
        super().__init__(**photos)
        self.numbers = {"train": num_train, "val": num_val}

    def prepare_data(self) -> None:
        for split, number in self.numbers.items():
            folder = Path(str(self.root), split)
            folder.mkdir(parents=True, exist_ok=True)
            for share in np.linspace(5, 95, number, dtype=int):
                Image.new("L", (48, 40), int(255 * share / 100)).save(folder / f"{share}.png")

    def folder(self) -> Path:
        self.prepare_data()
        return super().folder()
