"""Writes and draws what is found in each frame of a film."""

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from tasks.common.images.decoding import DecodedImage
from tasks.common.machine.steps import counted_steps
from tasks.common.machine.stopping import StopRequest
from tasks.common.predictions.drawing import Pictures
from tasks.common.predictions.entries import EntryFile
from tasks.common.predictions.film_files import Film, FilmWriter, Frame
from tasks.common.predictions.network import Network
from tasks.common.predictions.tracks import Tracks
from tasks.common.predictions.wanted import Wanted


class FilmViewer:
    """Looks at films, some frames at a time, whatever their length.

    Args:
        network: Ready to predict.
        entries: Get one dictionary a frame, with its film's ``file``, ``frame`` and ``seconds``.
        wanted: What of it is of interest.
        pictures: Draw the film; None for no film.
    """

    def __init__(
        self,
        network: Network,
        entries: EntryFile,
        *,
        wanted: Wanted,
        pictures: Pictures | None,
    ) -> None:
        self.network = network
        self.entries = entries
        self.wanted = wanted
        self.pictures = pictures
        self._request = StopRequest()

    def look_at(self, films: Sequence[str]) -> None:
        """Looks at films, one after the other.

        Raises:
            InputError: If one cannot be read.
            StoppedError: If it is asked to stop; what is done is kept.
        """
        self._request.listen()
        try:
            for number, name in enumerate(films):
                self._look_at(Film(name), number)
        finally:
            self._request.end()

    def _look_at(self, film: Film, number: int) -> None:
        writer = None
        rate = film.rate / self.wanted.every
        tracks = Tracks(rate=rate) if self.wanted.track else None
        if self.pictures:
            name = f"{number:05d}_{Path(film.name).stem or 'film'}.mp4"
            path = self.pictures.output / "films" / name
            writer = FilmWriter(path, rate=rate)
        with tempfile.TemporaryDirectory(prefix="frames") as folder:
            shares = batches(
                film.frames(every=self.wanted.every), self.network.config.data.batch_size
            )
            total = -(-film.length // self.wanted.every)
            try:
                for share in counted_steps(shares, "frames", total=total, size=len):
                    found = self._found(share, Path(folder))
                    self._write(film, share, map(tracks, found) if tracks else found, writer)
                    if self._request.signum:
                        self._request.grant(self._request.signum)
            finally:
                if writer:
                    writer.close()

    def _found(self, frames: Sequence[Frame], folder: Path) -> Iterator[dict[str, Any]]:
        """All that is found in each frame, of little interest too: it helps to follow things."""
        files = [folder / f"{place}.bmp" for place in range(len(frames))]
        for file, frame in zip(files, frames, strict=True):
            cv2.imwrite(str(file), frame.pixels)
        # what is kept of frames is not kept beside photos
        for seen in self.network.look_at(files, wanted=self.wanted, cache=folder / "cache"):
            yield from seen.entries

    def _write(
        self,
        film: Film,
        frames: Sequence[Frame],
        found: Iterable[Mapping[str, Any]],
        writer: FilmWriter | None,
    ) -> None:
        for frame, whole in zip(frames, found, strict=True):
            entry = self.wanted.chosen(whole)
            height, width = frame.pixels.shape[:2]
            place: dict[str, Any] = {"frame": frame.number, "seconds": frame.seconds}
            if writer and self.pictures:
                image = DecodedImage(frame.pixels[..., ::-1].copy(), (width, height))
                writer.add(self.pictures.drawn(self.network.described, image, entry))
                place["picture"] = writer.path.relative_to(self.pictures.output).as_posix()
            size = {"width": width, "height": height}
            self.entries.add({"file": film.name, **place, **size, **entry})


def batches(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    """Frames in lists of ``size``, the last one perhaps shorter."""
    while share := list(itertools.islice(frames, size)):
        yield share
