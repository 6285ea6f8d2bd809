"""Frozen networks whose outputs another network learns."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from backbone.batch_norm import fold
from backbone.errors import InputError
from heads.head import Batch
from tasks.common.data.module import DataModule
from tasks.common.files.keyed_rows import contents
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.restoring import restored
from tasks.common.training.teacher import Teacher


class NetworkTeacher(Teacher):
    """A teacher that looks at the photos the student is shown, scaled to its own size.

    Attributes:
        image_size: Side in pixels of what it looks at.
    """

    image_size: int

    @abstractmethod
    def look(self, image: Tensor) -> Tensor:
        """Targets for photos ``(B, 3, image_size, image_size)``, values 0 to 255."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What its targets depend on, for those that are kept on disk."""

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Tensor:
        image: Tensor = batch["image"]
        side = self.image_size
        if image.shape[-1] != side:
            image = F.interpolate(image.float(), (side, side), mode="bilinear", antialias=True)
        return self.look(image)


class CheckpointTeacher(NetworkTeacher):
    """A network that was trained on the same classes; its predictions are the targets.

    Args:
        file: A checkpoint of a run.
        data: The student's, in the order of whose classes the targets come.

    Raises:
        InputError: If the file is no checkpoint, of other classes, or of faces aligned otherwise.
    """

    def __init__(self, *, file: str, data: DataModule) -> None:
        self.file = file
        checkpoint = Checkpoint.of_run(Path(str(file)))
        self.task = restored(checkpoint).eval()
        self.task.requires_grad_(False)
        fold(self.task)
        self.image_size = self.task.image_size
        self.trained_on = self.task.trained_on
        self.order = order_of(self.task.label_map.names, data, setting=f"teacher.file={file}")
        prepared = checkpoint.description.get("faces")
        if prepared and prepared != data.preparation():
            raise InputError(
                f"teacher.file={file} learned from faces prepared as {prepared}, and the data are "
                f"prepared as {data.preparation()}. Give the data the same data.alignment"
            )

    def look(self, image: Tensor) -> Tensor:
        """The predictions of the network."""
        predictions: Tensor = self.task.to(image.device).predictions({"image": image})
        return predictions[:, self.order] if self.order else predictions

    def description(self) -> dict[str, Any]:
        """The file's contents and the network in it."""
        path = Path(str(self.file))
        return {"file": path.name, "contents": contents(path), **self.task.description()}


def order_of(names: Sequence[str], data: DataModule, *, setting: str) -> list[int]:
    """The place of each class of the data among those of a teacher.

    Args:
        names: Of the teacher's classes; none where outputs are no classes.
        data: The student's.
        setting: That gives the teacher, for messages.

    Raises:
        InputError: If they are not the same classes.
    """
    wanted = data.label_map.names
    if set(names) != set(wanted):
        raise InputError(
            f"{setting} knows {len(names)} classes ({', '.join(names[:5])}...), which are not the "
            f"{len(wanted)} of the data ({', '.join(wanted[:5])}...). Train the teacher on these "
            "data first"
        )
    return [names.index(name) for name in wanted]
