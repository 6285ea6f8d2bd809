"""A teacher in an ONNX file, as most public networks come."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backbone.errors import InputError, check_choice
from tasks.common.data.module import DataModule
from tasks.common.distillation.network_teacher import NetworkTeacher
from tasks.common.distillation.photo_network import PhotoNetwork
from tasks.common.files.keyed_rows import contents

CHANNELS = ("rgb", "bgr")


class OnnxTeacher(NetworkTeacher):
    """Runs an ONNX network on a batch; one of its outputs is the target.

    Args:
        file: Its network, see ``PhotoNetwork``.
        image_size: ``S``; None for what the file says.
        mean: Of red, green and blue in [0, 1], taken off first; networks of bytes get bytes.
        deviation: What they are divided by then.
        channels: ``rgb`` or ``bgr``, the order in which the network takes them.
        output: Name of the output; None for the first one.
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
        channels: str = CHANNELS[0],
        output: str | None = None,
    ) -> None:
        check_choice("teacher.channels", channels, allowed=CHANNELS)
        self.file = Path(str(file))
        self.network = PhotoNetwork(self.file, side=image_size, output=output)
        self.image_size = self.network.side
        self.channels = channels
        classes = len(data.label_map)
        if add_mirror and classes:
            raise InputError(
                f"teacher.add_mirror=true: sums of two outputs for {classes} classes are no "
                "probabilities. Leave it out"
            )
        self.add_mirror = not classes if add_mirror is None else add_mirror
        self.trained_on = [trained_on]
        self.mean, self.deviation = (
            torch.tensor(list(value)).view(-1, 1, 1) for value in (mean, deviation)
        )

    def look(self, image: Tensor) -> Tensor:
        """The network's output, summed over the photo and its mirror image if so asked."""
        shown = image.cpu()
        if not self.network.takes_bytes:
            shown = (shown.float() / 255 - self.mean) / self.deviation
        if self.channels == "bgr":
            shown = shown.flip(1)
        views = [shown, shown.flip(-1)] if self.add_mirror else [shown]
        return sum(map(self.network, views), torch.zeros(())).to(image.device)

    def description(self) -> dict[str, Any]:
        """The file's contents and what comes before and after it."""
        # what files of before do not say is left out where it is as it was then
        others = {"channels": self.channels} if self.channels != CHANNELS[0] else {}
        if self.network.output != self.network.first_output:
            others["output"] = self.network.output
        return {
            "file": self.file.name,
            "contents": contents(self.file),
            "image_size": self.image_size,
            "mean": [round(value, 6) for value in self.mean.flatten().tolist()],
            "deviation": [round(value, 6) for value in self.deviation.flatten().tolist()],
            "add_mirror": self.add_mirror,
            "trained_on": self.trained_on,
            **others,
        }
