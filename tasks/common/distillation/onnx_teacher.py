"""A teacher in an ONNX file, as most public networks come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backbone.errors import InputError
from tasks.common.data.module import DataModule
from tasks.common.distillation.network_teacher import NetworkTeacher
from tasks.common.files.keyed_rows import contents


class OnnxTeacher(NetworkTeacher):
    """Runs an ONNX network on a batch; its first output is the target.

    Args:
        file: With one input, ``(1, 3, S, S)`` or ``(N, 3, S, S)``.
        image_size: ``S``; None for what the file says.
        mean: Of red, green and blue in [0, 1], taken off first.
        deviation: What they are divided by then.
        add_mirror: Add the output for the mirrored photo, as embeddings of faces are reported; None
            for doing so where the data have no classes.
        trained_on: Name of the data set that it learned from.
        data: Of the student. ONNX files know no classes to compare: outputs are taken to be in the
            order of the data's.

    Raises:
        InputError: If the file is no such network, if sums of what it says of classes are asked
            for, or if onnxruntime is missing.
    """

    def __init__(
        self,
        *,
        file: str,
        image_size: int | None,
        mean: Sequence[float],
        deviation: Sequence[float],
        add_mirror: bool | None,
        trained_on: str,
        data: DataModule,
    ) -> None:
        self.file = Path(str(file))
        self.session = _session(self.file)
        classes = len(data.label_map)
        if add_mirror and classes:
            raise InputError(
                f"teacher.add_mirror=true: sums of two outputs for {classes} classes are no "
                "probabilities. Leave it out"
            )
        self.add_mirror = not classes if add_mirror is None else add_mirror
        self.trained_on = [trained_on]
        batch, *shape = self._input_shape()
        self.one_by_one = batch == 1
        self.image_size = self._side(shape, image_size)
        self.mean, self.deviation = (
            torch.tensor(list(value)).view(-1, 1, 1) for value in (mean, deviation)
        )
        try:
            self.look(torch.zeros(1, 3, self.image_size, self.image_size))
        except Exception as error:  # onnxruntime's kinds are its own, as below
            raise InputError(
                f"teacher.file={file} does not run on a photo of {self.image_size} pixels: {error}"
            ) from error

    def _input_shape(self) -> list[Any]:
        """Of its one input, batches first; what is no number may be any."""
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)":
            found = ", ".join(f"{each.name} of {each.type}" for each in inputs)
            raise InputError(
                f"teacher.file={self.file} takes {found}, and one input of tensor(float) is needed"
            )
        shape: list[Any] = inputs[0].shape
        if len(shape) != 4 or (isinstance(shape[0], int) and shape[0] != 1):
            raise InputError(
                f"teacher.file={self.file} takes an input of shape {shape}; (1, 3, S, S) or "
                "(N, 3, S, S) is needed, with N for any number"
            )
        return shape

    def _side(self, shape: list[Any], wanted: int | None) -> int:
        """The side of its input: what the file says, or what is asked for where it says nothing."""
        channels, *sides = shape
        if channels != 3:
            raise InputError(
                f"teacher.file={self.file}: takes an input of shape {shape} a photo, not (3, S, S)"
            )
        fixed = [side for side in sides if isinstance(side, int)]
        if wanted is None and len(fixed) < 2:
            raise InputError(f"teacher.file={self.file} takes any size: give teacher.image_size=N")
        if any(side != (wanted or fixed[0]) for side in fixed):
            raise InputError(
                f"teacher.image_size={wanted}: teacher.file={self.file} takes photos of {sides}"
            )
        return wanted or fixed[0]

    def look(self, image: Tensor) -> Tensor:
        """The network's output, summed over the photo and its mirror image if so asked."""
        scaled = (image.cpu().float() / 255 - self.mean) / self.deviation
        views = [scaled, scaled.flip(-1)] if self.add_mirror else [scaled]
        return sum(map(self._run, views), torch.zeros(())).to(image.device)

    def _run(self, image: Tensor) -> Tensor:
        name = self.session.get_inputs()[0].name
        parts = image.split(1) if self.one_by_one else [image]
        outputs = [self.session.run(None, {name: part.numpy()})[0] for part in parts]
        return torch.cat([torch.from_numpy(output) for output in outputs]).flatten(1)

    def description(self) -> dict[str, Any]:
        """The file's contents and what comes before and after it."""
        return {
            "file": self.file.name,
            "contents": contents(self.file),
            "image_size": self.image_size,
            "mean": [round(value, 6) for value in self.mean.flatten().tolist()],
            "deviation": [round(value, 6) for value in self.deviation.flatten().tolist()],
            "add_mirror": self.add_mirror,
            "trained_on": self.trained_on,
        }


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
