"""Photos that a file is checked on, and whose values say what int8 has to hold."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from backbone.errors import InputError
from tasks.common.data.module import DataModule
from tasks.common.data.spread import evenly
from tasks.common.images.decoding import ImageFile
from tasks.common.images.finding import find_images

NUM_CALIBRATION = 100  # photos; of MobileNets, twice as many change no figure


def photos_to_check(
    data: DataModule, calibration: object, *, number: int, measured: bool = False
) -> tuple[Tensor, str]:
    """Photos at network size, ``uint8`` of shape ``(N, 3, S, S)``, and whose they are.

    Args:
        data: Of the run.
        calibration: Photos that the user names; None for none.
        number: Of photos, at most.
        measured: Whether the user's photos are measured for int8: then validation photos, which
            are others, come first.

    Raises:
        InputError: If one of the user's photos cannot be read.
    """
    if calibration is None or measured:
        try:
            return first_photos(data, number), "the validation photos"
        except InputError:
            if calibration is None:
                return drawn_photos(number, side=data.image_size), "drawn, for want of others"
    return read_photos(data, find_images(str(calibration))[:number]), str(calibration)


def first_photos(data: DataModule, number: int) -> Tensor:
    """The first validation photos, ``uint8`` of shape ``(N, 3, S, S)``."""
    images: list[Tensor] = []
    for batch in data.val_dataloader():
        images.append(batch["image"])
        if sum(map(len, images)) >= number:
            break
    return torch.cat(images)[:number]


def photos_to_measure(data: DataModule, calibration: object) -> Tensor:
    """Photos to find the ranges of values on, as ``photos_to_check``; by themselves, of training.

    Raises:
        InputError: If there are none, or one cannot be read.
    """
    if calibration is not None:
        paths: Sequence[ImageFile] = find_images(str(calibration))
        return read_photos(data, [paths[i] for i in evenly(NUM_CALIBRATION, among=len(paths))])
    try:
        number = len(data.train_set)  # type: ignore[arg-type]
        places = evenly(NUM_CALIBRATION, among=number)
        return read_photos(data, [data.train_photo(place)[1] for place in places])
    except InputError as error:
        raise InputError(
            f"precision=int8 needs photos to measure values on: calibration=PHOTOS. {error}"
        ) from error


def read_photos(data: DataModule, files: Sequence[ImageFile]) -> Tensor:
    """Photos as the network sees them, ``uint8`` of shape ``(N, 3, S, S)``."""
    batches = list(data.predict_dataloader(files))  # type: ignore[arg-type]
    if errors := [error for batch in batches for error in batch["errors"]]:
        raise InputError("\n".join(errors))
    return torch.cat([batch["image"] for batch in batches])


def drawn_photos(number: int, *, side: int) -> Tensor:
    """Coloured clouds, the same every time."""
    coarse = torch.rand(number, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    clouds = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    return (clouds * 255).to(torch.uint8)


def as_pixels(images: Tensor) -> np.ndarray:
    """``(B, 3, S, S)`` to what files take, ``(B, S, S, 3)``."""
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).cpu().numpy())
