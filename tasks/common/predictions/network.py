"""What prediction asks of a network, whether torch has it or a runtime."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.machine.steps import counted_steps
from tasks.common.machine.stopping import StopRequest
from tasks.common.predictions.wanted import Wanted
from tasks.common.training.described import Described


class Seen(NamedTuple):
    """What is found in a batch of photos.

    Attributes:
        places: Of the photos that were looked at, among those given.
        entries: One for each of them.
        errors: A message for each photo of the batch that could not be read.
    """

    places: Sequence[int]
    entries: Sequence[dict[str, Any]]
    errors: Sequence[str]


class Network(ABC):
    """Looks at photos.

    Attributes:
        config: The settings, with all that the network decides.
        description: What its file says of it.
        described: Says and shows what is found.
        names: The classes that it tells apart.
        photos: That it was made ready for.
        tell: Gets what is found in them.
        has_tiles: Whether it can look at photos part by part.
    """

    config: DictConfig
    description: Mapping[str, Any]
    described: Described
    names: tuple[str, ...]
    photos: Sequence[Path]
    tell: Callable[[Seen], None]
    has_tiles: bool = False

    @abstractmethod
    def checksum(self) -> str:
        """Of its weights."""

    def get_ready(
        self,
        photos: Sequence[Path],
        wanted: Wanted,
        *,
        tell: Callable[[Seen], None],
    ) -> None:
        """Refuses what it cannot do, before anything is done.

        Args:
            photos: That it is to look at.
            wanted: How.
            tell: Gets what is found, as it is found.

        Raises:
            InputError: If a setting is not allowed.
        """
        self.photos, self.tell = photos, tell

    def predict(self) -> None:
        """Looks at the photos that it was made ready for.

        Raises:
            StoppedError: If it is asked to stop; what is done has been told.
        """
        request = StopRequest()
        request.listen()
        try:
            for seen in counted_steps(
                self.seen(),
                "photos done",
                total=len(self.photos),
                size=_photos_of,
                says_end=False,  # as the report does
            ):
                self.tell(seen)
                if request.signum:
                    request.grant(request.signum)
        finally:
            request.end()

    @abstractmethod
    def seen(self) -> Iterator[Seen]:
        """What is in the photos that it was made ready for, batch by batch."""

    @abstractmethod
    def look_at(
        self, photos: Sequence[Path], *, wanted: Wanted | None = None, cache: Path | None = None
    ) -> Iterator[Seen]:
        """What is in a few photos, in this process.

        Args:
            photos: The files.
            wanted: How to look at them; None for the usual way.
            cache: Folder for what is kept of photos; None for the settings' own.
        """

    @abstractmethod
    def describe(self, pictures: np.ndarray, frames: np.ndarray) -> list[dict[str, Any]]:
        """What is in pictures that are ready for the network, an entry each.

        Args:
            pictures: RGB, uint8, ``(N, S, S, 3)``, in one batch.
            frames: From their pixels to those of their photos, ``(N, 2, 3)``.
        """

    @abstractmethod
    def points(self, photos: Sequence[Path]) -> np.ndarray:
        """A point for each photo, ``(N, D)``: an embedding, or pooled features.

        Raises:
            InputError: If it has none, or a photo cannot be read.
        """

    def move(self, device: Any) -> None:
        """Moves the network to a device.

        Raises:
            InputError: If it stays where it is.
        """
        raise InputError(f"device={device}: an exported network stays on the CPU")


def _photos_of(seen: Seen) -> int:
    return len(seen.places) + len(seen.errors)


def check_shown(described: Described, config: DictConfig) -> None:
    """Refuses what only some tasks have.

    Raises:
        InputError: Says which.
    """
    if config.get("pages") and not described.has_places:
        raise InputError("pages=true: only places have pages, with a map. Leave it out")
    if config.get("format") == "geojson" and not described.has_places:
        raise InputError("format=geojson: only places have it. Give format=csv")
    if config.get("format") == "npz" and not described.has_embeddings:
        raise InputError("format=npz: only embeddings of faces have it. Give format=parquet")
    if not config.get("heat_map"):  # a demo without any lacks the setting
        return
    if config.get("exported"):
        raise InputError(
            "heat_map=true: a file of an exported network does not show what decided its "
            "predictions. Give checkpoint=FILE"
        )
    if not described.has_heat_maps:
        raise InputError("heat_map=true: only classifiers have heat maps. Leave it out")
