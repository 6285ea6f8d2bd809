"""Films on disk, cameras and streams: frames out of them, and films of frames."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from backbone.errors import InputError

CODEC = "mp4v"  # which every build of OpenCV writes
USUAL_RATE = 25.0  # frames a second, where a camera does not say


class Frame(NamedTuple):
    """A picture of a film.

    Attributes:
        number: In the film, from 0.
        seconds: After its beginning.
        pixels: BGR, uint8, ``(H, W, 3)``, upright.
    """

    number: int
    seconds: float
    pixels: np.ndarray


class Film:
    """A film that is read a frame at a time.

    Attributes:
        rate: Frames a second.
        length: Frames, about; 0 where nobody knows.

    Args:
        name: A file, the number of a camera, or the address of a stream.

    Raises:
        InputError: If it cannot be opened.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        camera = name.isdigit() and not Path(name).exists()
        self._capture = cv2.VideoCapture(int(name) if camera else name)
        if not self._capture.isOpened():
            what = "camera" if camera else "film"
            raise InputError(
                f"{name} cannot be opened as a {what}. Frames of other films: "
                f"ffmpeg -i FILM frames/%06d.jpg, then input=frames"
            )
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0 < rate < 1000 else USUAL_RATE
        self.length = max(int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)

    def close(self) -> None:
        """Lets a camera, or a file, be opened by others."""
        self._capture.release()

    def frames(self, *, every: int = 1) -> Iterator[Frame]:
        """Every so many of its frames, the first one first.

        Raises:
            InputError: If there is none.
        """
        number = 0
        while self._capture.grab():
            if number % every == 0:
                whole, pixels = self._capture.retrieve()
                if whole:
                    yield Frame(number, round(number / self.rate, 3), pixels)
            number += 1
        self.close()
        if not number:
            raise InputError(f"{self.name} holds no frame that can be read")


def check_films(names: Sequence[str]) -> None:
    """Refuses films that cannot be opened, before anything is done.

    Raises:
        InputError: At the first one.
    """
    for name in names:
        Film(name).close()


class FilmWriter:
    """Writes frames to a film, whose size is the first one's.

    Args:
        path: Of the film, an MP4.
        rate: Frames a second.
    """

    def __init__(self, path: Path, *, rate: float) -> None:
        self.path = path
        self.rate = rate
        self._writer: Any = None
        self._size = (0, 0)

    def add(self, pixels: np.ndarray) -> None:
        """Adds a frame, RGB, uint8, ``(H, W, 3)``."""
        if self._writer is None:
            height, width = pixels.shape[:2]
            self._size = (width + width % 2, height + height % 2)  # codecs count in pairs
            self.path.parent.mkdir(parents=True, exist_ok=True)
            codec = cv2.VideoWriter.fourcc(*CODEC)
            self._writer = cv2.VideoWriter(str(self.path), codec, self.rate, self._size)
            if not self._writer.isOpened():
                raise InputError(f"{self.path} cannot be written. pictures=null draws no film")
        bgr = np.ascontiguousarray(pixels[..., ::-1])
        if bgr.shape[1::-1] != self._size:
            bgr = cv2.resize(bgr, self._size)
        self._writer.write(bgr)

    def close(self) -> None:
        """Ends the film, without which none can show it."""
        if self._writer is not None:
            self._writer.release()
