"""Runs an ONNX network on photos, in whatever form it takes them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbone.errors import InputError

# The kinds of numbers that photos may go in as.
KINDS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


class PhotoNetwork:
    """A network that gives a row of numbers for a photo.

    It has an input of photos, ``(N, 3, S, S)`` or ``(N, S, S, 3)``, with ``N`` fixed or free, and
    may have switches besides, as for training, which are off.

    Args:
        file: The network.
        side: ``S``; None for what the file says.
        output: Name of the output; None for the first one.

    Raises:
        InputError: If it is no such network, its output is a map of features, or onnxruntime is
            missing.
    """

    def __init__(self, file: Path, *, side: int | None, output: str | None) -> None:
        self.file = file
        self.session = _session(file)
        photos = self._input()
        self.name, self.kind = photos.name, KINDS[photos.type]
        batch, *shape = photos.shape
        self.batch = batch if isinstance(batch, int) and batch > 0 else None
        self.channels_last = shape[0] != 3 and shape[2] == 3
        self.side = self._side(shape, side)
        self.first_output = self.session.get_outputs()[0].name
        self.output = self.first_output if output is None else output
        self._check_output()

    @property
    def takes_bytes(self) -> bool:
        """Whether photos go in as they are, from 0 to 255: then it scales them itself."""
        return self.kind is np.uint8

    def __call__(self, photos: Tensor) -> Tensor:
        """The rows for photos ``(B, 3, S, S)``, ``(B, D)``."""
        parts = photos.split(self.batch) if self.batch else [photos]
        return torch.cat([self._run(part, self.output) for part in parts]).flatten(1).float()

    def _run(self, part: Tensor, output: str) -> Tensor:
        values = part.numpy().astype(self.kind)
        if self.channels_last:
            values = values.transpose(0, 2, 3, 1)
        missing = (self.batch or len(values)) - len(values)  # of a batch that it takes full alone
        full = np.pad(values, [(0, missing), (0, 0), (0, 0), (0, 0)])
        feed = {self.name: np.ascontiguousarray(full), **self.switches}
        return torch.from_numpy(self.session.run([output], feed)[0])[: len(values)]

    def _input(self) -> Any:
        """Its input of photos; the others are switches."""
        inputs = self.session.get_inputs()
        photos = [each for each in inputs if each.type in KINDS and len(each.shape) == 4]
        others = [each for each in inputs if each not in photos]
        if len(photos) != 1 or any(each.type != "tensor(bool)" for each in others):
            found = ", ".join(f"{each.name} of {each.type} {each.shape}" for each in inputs)
            raise InputError(
                f"teacher.file={self.file} takes {found}. One input of photos is needed, of shape "
                f"(N, 3, S, S) or (N, S, S, 3) and one of {', '.join(KINDS)}, and switches at most"
            )
        shapes = {
            each.name: [1 if isinstance(n, str) else n for n in each.shape] for each in others
        }
        self.switches = {name: np.zeros(shape, bool) for name, shape in shapes.items()}
        return photos[0]

    def _side(self, shape: list[Any], wanted: int | None) -> int:
        """The side of its input: what the file says, or what is asked for where it says nothing."""
        sides = shape[:2] if self.channels_last else shape[1:]
        if not self.channels_last and shape[0] != 3 and isinstance(shape[0], int):
            raise InputError(
                f"teacher.file={self.file}: takes an input of shape {shape} a photo, not (3, S, S) "
                "or (S, S, 3)"
            )
        fixed = [side for side in sides if isinstance(side, int)]
        if wanted is None and len(fixed) < 2:
            raise InputError(f"teacher.file={self.file} takes any size: give teacher.image_size=N")
        if any(side != (wanted or fixed[0]) for side in fixed):
            raise InputError(
                f"teacher.image_size={wanted}: teacher.file={self.file} takes photos of {sides}"
            )
        return wanted or fixed[0]

    def _check_output(self) -> None:
        """Looks at a black photo, since what a file says of shapes is not always so."""
        names = [each.name for each in self.session.get_outputs()]
        if self.output not in names:
            raise InputError(
                f"teacher.output={self.output}: teacher.file={self.file} has {', '.join(names)}"
            )
        blank = torch.zeros(1, 3, self.side, self.side)
        try:
            shapes = {name: tuple(self._run(blank, name).shape) for name in names}
        except Exception as error:  # onnxruntime's kinds are its own, as below
            raise InputError(
                f"teacher.file={self.file} does not run on a photo of {self.side} pixels: {error}"
            ) from error
        rows = [name for name, shape in shapes.items() if _is_row(shape)]
        if self.output not in rows:
            found = ", ".join(f"{name} {shape[1:]}" for name, shape in shapes.items())
            ways = " or ".join(f"teacher.output={name}" for name in rows)
            raise InputError(
                f"teacher.file={self.file}: its output {self.output} is a map of features, of "
                f"shape {shapes[self.output][1:]} a photo, and a row of numbers is needed. It has "
                f"{found}" + (f". Give {ways}" if rows else "")
            )


def _is_row(shape: tuple[int, ...]) -> bool:
    """Whether an output is one row of numbers for a photo, and no map of features."""
    return len(shape) >= 2 and all(side == 1 for side in shape[2:])


def _session(file: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("teacher=onnx needs onnxruntime: pip install -e '.[faces]'") from error
    if not file.is_file():
        raise InputError(f"teacher.file={file}: there is no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()  # it and the student take turns
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors; what it says of optimisations is for its makers
    try:
        return onnxruntime.InferenceSession(str(file), options)
    except Exception as error:  # whose kinds are its own, one for each thing that can be wrong
        raise InputError(f"teacher.file={file} is no network that can be run: {error}") from error
