"""A teacher, as prediction asks for a network."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.distillation.alone import check_teacher, teacher_and_data, teacher_as_task
from tasks.common.distillation.attaching import Choices
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.predictions.trained import TrainedNetwork


class TeacherNetwork(TrainedNetwork):
    """Looks at photos by a teacher, such as a public network in an ONNX file.

    Args:
        config: With a task and a teacher.
        choices: The option of each group.

    Raises:
        InputError: If they name no teacher that looks at photos.
    """

    def __init__(self, config: DictConfig, choices: Choices) -> None:
        check_teacher(config, choices)
        if config.get("heat_map"):
            raise InputError("heat_map=true: a teacher does not show what decided. Leave it out")
        data, self.teacher = teacher_and_data(config, choices, draws=False)
        config = config.copy()
        config.data.image_size = data.image_size
        task = teacher_as_task(config, data, self.teacher).eval()
        file = Path(str(config.teacher.file))
        super().__init__(task, config, Checkpoint(file, {}, task.description()))

    def checksum(self) -> str:
        return hashlib.sha256(self._says().encode()).hexdigest()

    def points(self, photos: Sequence[Path]) -> np.ndarray:
        if not self.described.has_embeddings:
            raise InputError("A teacher gives no pooled features: load a network trained here")
        return super().points(photos)

    def move(self, device: Any) -> None:
        raise InputError(f"device={device}: a teacher stays where it is")

    def __repr__(self) -> str:
        return f"<teacher {self.checkpoint.path.name}, {self.task.image_size} pixels>"

    def _says(self) -> str:
        """All that its answers depend on."""
        return json.dumps(self.teacher.description(), sort_keys=True)
