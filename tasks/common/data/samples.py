"""Photos as samples, before they are tensors: what prediction needs of data, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from backbone.errors import InputError
from tasks.common.images.geometry import Look

Sample = dict[str, Any]
Place = tuple[int, int]  # epoch and index of a sample: all that its augmentation may depend on


class Samples(Protocol):
    """Samples by their places, from whatever they come."""

    def __getitem__(self, place: Place, /) -> Sample: ...


class UnlabelledSet:
    """Photos of which nothing is known; an unreadable one is a sample with an error.

    Args:
        paths: The files.
        look: From file to network input.
    """

    def __init__(self, paths: Sequence[Path], look: Look) -> None:
        self.paths = [str(path) for path in paths]
        self.look = look

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, place: Place) -> Sample:
        _, index = place
        try:
            shown = self.look(Path(self.paths[index]), np.random.default_rng(0))
        except InputError as error:
            return {"id": index, "error": str(error)}
        return {**shown._asdict(), "id": index}


def stacked(samples: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """What samples without an error have, as arrays; frames as float32, as batches have them."""
    columns = {key: np.stack([sample[key] for sample in samples]) for key in samples[0]}
    return {**columns, "frame": columns["frame"].astype(np.float32)}
