"""Pictures as files."""

from pathlib import Path

import cv2
import numpy as np

from backbone.files import replacing

JPEG_QUALITY = 90


def picture_of(photo: Path, number: int, *, folder: Path) -> Path:
    """Where a photo's picture goes: numbered, since photos of other folders may share its name."""
    return folder / f"{number:05d}_{photo.stem}.jpg"


def save_picture(path: Path, pixels: np.ndarray) -> None:
    """Writes an RGB picture as a JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    with replacing(path, synced=False) as temporary:
        temporary.write_bytes(data.tobytes())
