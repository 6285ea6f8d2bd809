"""Has a network look at photos once, and shows of that whatever the user wants to see."""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from tasks.api import Model
from tasks.app.markup import small
from tasks.app.models import Listed
from tasks.app.photos import Photo, Upload, on_disk
from tasks.common.images.decoding import DecodedImage, read_image
from tasks.common.predictions.entries import Entry
from tasks.common.showing.finding import find_view
from tasks.common.showing.view import Limits, View

ROUNDS = 3  # of which the median is how long a photo takes


class Looked(NamedTuple):
    """What a network has found in photos.

    Attributes:
        source: Where the network is from.
        entries: What ``predictions.json`` says, without limits.
        images: The photos, small enough to be drawn on.
        every: Of a film, that each so many frames was looked at; 0 of photos.
        knows: Whether people were known.
    """

    source: Listed
    entries: Sequence[Entry]
    images: Sequence[DecodedImage]
    every: int
    knows: bool

    @property
    def size(self) -> int:
        """Bytes that it takes, nearly all."""
        return sum(image.pixels.nbytes for image in self.images)


class Shown(NamedTuple):
    """What the page shows of a photo.

    Attributes:
        name: Of the photo.
        picture: With what was found, RGB, ``(H, W, 3)``.
        bars: Shares by name.
        rows: Of a table.
    """

    name: str
    picture: np.ndarray
    bars: Mapping[str, float]
    rows: Sequence[Mapping[str, Any]]


def look(
    model: Model,
    source: Listed,
    uploads: Sequence[Upload],
    known: Mapping[str, Sequence[Upload]] | None = None,
) -> Looked:
    """Looks at photos, and at frames of films.

    Args:
        model: Looks.
        source: Where it is from.
        uploads: Photos and films.
        known: Photos of people, by name.

    Raises:
        InputError: If one cannot be read.
    """
    known = known or {}
    whose = [person for person, photos in known.items() for _ in photos]
    with on_disk(uploads) as photos, _on_disk_if_any(known) as faces:
        people: dict[str, list[Path]] = {}
        for person, face in zip(whose, faces, strict=True):
            people.setdefault(person, []).append(face.file)
        view = find_view(model.network.config)
        images = [read_image(photo.file, huge_reduced=True) for photo in photos]
        found = view.entries(model.network, [photo.file for photo in photos], people)
        entries = [
            {**photo.said, "width": image.size[0], "height": image.size[1], **entry}
            for photo, image, entry in zip(photos, images, found, strict=True)
        ]
        every = max(photo.every for photo in photos)
    return Looked(source, entries, [small(image) for image in images], every, bool(known))


def _on_disk_if_any(
    known: Mapping[str, Sequence[Upload]],
) -> AbstractContextManager[Sequence[Photo]]:
    uploads = [upload for photos in known.values() for upload in photos]
    return on_disk(uploads) if uploads else nullcontext(())


def milliseconds(model: Model, upload: Upload) -> float:
    """How long a photo takes from its file to what is found in it, the median of a few times."""
    view, seconds = find_view(model.network.config), []
    with on_disk([upload]) as photos:
        for _ in range(ROUNDS):
            start = time.perf_counter()
            view.entries(model.network, [photos[0].file], {})
            seconds.append(time.perf_counter() - start)
    return 1000 * median(seconds)


def shown(looked: Looked, model: Model, limits: Limits) -> list[Shown]:
    """What is seen of entries within limits, without another look of the network."""
    view, network = find_view(model.network.config), model.network
    found = []
    for entry, image in zip(kept(looked, view, limits), looked.images, strict=True):
        at = f" at {entry['seconds']:g} s" if "seconds" in entry else ""
        picture = view.picture(network, image, entry, limits)
        found.append(
            Shown(f"{entry['file']}{at}", picture, view.bars(entry), view.rows(entry, limits))
        )
    return found


def kept(looked: Looked, view: View, limits: Limits) -> list[dict[str, Any]]:
    """The entries within limits: the records of ``predictions.json``."""
    return [view.kept(entry, limits) for entry in looked.entries]
