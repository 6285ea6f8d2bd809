"""Frozen networks whose outputs another network learns."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from backbone.batch_norm import fold
from backbone.errors import InputError
from tasks.common.labels import LabelMap
from tasks.common.stored import restore_checkpoint


class CheckpointTeacher:
    """A network that was trained on the same classes; its predictions are the targets.

    No module: it is neither saved nor optimised with what it teaches. It looks at the photos that
    the student is shown, scaled to the size it was trained at.

    Args:
        file: A checkpoint of a run.
        label_map: The student's classes, in whose order the targets come.

    Raises:
        InputError: If the file is no checkpoint, or of other classes.
    """

    def __init__(self, *, file: str, label_map: LabelMap) -> None:
        self.task = restore_checkpoint(Path(str(file))).eval()
        self.task.requires_grad_(False)
        fold(self.task)
        self.trained_on = self.task.trained_on  # which its student learns from too
        names = self.task.label_map.names
        if set(names) != set(label_map.names):
            raise InputError(
                f"teacher.file={file} knows {len(names)} classes ({', '.join(names[:5])}...), "
                f"which are not the {len(label_map)} of the data ({', '.join(label_map.names[:5])}"
                "...). Train the teacher on these data first"
            )
        self.order = [names.index(name) for name in label_map.names]

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """Targets for photos of shape ``(B, 3, H, W)``, values 0 to 255."""
        task, side = self.task.to(image.device), self.task.image_size
        if image.shape[-1] != side:
            image = F.interpolate(image.float(), (side, side), mode="bilinear", antialias=True)
        predictions: Tensor = task.head.predict(task(image), {})
        return predictions[:, self.order]

    def __deepcopy__(self, _: object) -> "CheckpointTeacher":
        return self  # for the running average of a student, which needs no second teacher
