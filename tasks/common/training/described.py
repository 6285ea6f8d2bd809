"""What an application says of what is found, with no network and no torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.data.samples import Samples
from tasks.common.images.canvas import Canvas


class Described(ABC):
    """Entries, which say of a photo in plain values what is found, and how they are shown."""

    has_heat_maps: bool = False  # whether it can show what decided its predictions
    heat_maps: bool = False  # whether predictions come with that
    has_embeddings: bool = False  # whether entries have an ``embedding``, or faces with one
    has_places: bool = False  # whether entries have a ``location`` on the Earth
    legend: str = ""  # says what is drawn, above a sheet of pictures

    def draw(
        self, pixels: np.ndarray, entry: Mapping[str, Any], *, size: tuple[int, int] | None = None
    ) -> np.ndarray:
        """An entry drawn on its photo, RGB of shape ``(H, W, 3)``; small photos are enlarged.

        Args:
            pixels: Of the photo.
            entry: In pixels of the photo as a whole.
            size: Its width and height, if it was read at a reduced scale.
        """
        canvas = Canvas(pixels, size=size)
        self.mark(canvas, entry)
        return canvas.picture()

    @abstractmethod
    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Draws an entry on the canvas with its photo."""

    def illustrate(self, entry: Mapping[str, Any], path: Path) -> None:  # noqa: B027 what few do
        """Writes what else shows an entry beside its picture ``path``; nothing unless it does."""


# From photos, ``uint8`` of shape ``(B, S, S, 3)``, to the outputs of an exported network, by name.
Run = Callable[[np.ndarray], Mapping[str, np.ndarray]]
Arrays = Mapping[str, np.ndarray]


class Describer(Described):
    """What an application makes of the outputs of a network that is a file.

    It says the same as the application's task of the same outputs. The application of data
    ``tasks.APPLICATION.data`` has its own in ``tasks.APPLICATION.describing``, as ``describer``.

    Args:
        label_map: The classes in the order of the outputs.
        image_size: Side of the network's square input in pixels.
        task: Settings of the task, as in ``configs/task``.
        data: Settings of the data, as in ``configs/data``.
        tables: What the head knows beside its weights, by name.
    """

    def __init__(
        self,
        label_map: LabelMap,
        *,
        image_size: int,
        task: Mapping[str, Any],
        data: Mapping[str, Any],
        tables: Arrays,
    ) -> None:
        self.label_map = label_map
        self.image_size = image_size
        self.task = task
        self.data = data
        self.tables = tables

    @abstractmethod
    def predict_set(self, paths: Sequence[Path]) -> Samples:
        """The given photos, prepared as the application's data prepare them."""

    @abstractmethod
    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        """What a network says of photos, one dictionary each.

        Args:
            run: The network.
            batch: Of samples, see ``stacked``.

        Raises:
            InputError: If its outputs are others than the application's.
        """

    def points(self, run: Run, batch: Arrays) -> np.ndarray:
        """A point for each photo, ``(B, D)``.

        Raises:
            InputError: If the file does not give it.
        """
        raise InputError("An exported network gives no pooled features: load its checkpoint")


def output_of(found: Arrays, name: str, *, columns: int | None = None) -> np.ndarray:
    """An output of a file.

    Args:
        found: Its outputs.
        name: Of the one.
        columns: Its second side, where the classes decide it.

    Raises:
        InputError: If there is none of that name and size.
    """
    if name not in found:
        raise InputError(f"The file has the outputs {', '.join(found)}, and {name} is needed")
    shape = found[name].shape
    if columns is not None and (len(shape) < 2 or shape[1] != columns):
        raise InputError(
            f"The file's {name} have the shape {shape}, and its metadata name {columns} classes: "
            "they do not belong together"
        )
    return found[name]
