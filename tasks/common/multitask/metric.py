"""The figures of several tasks in one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from backbone.files import replacing
from tasks.common.multitask.describing import joined
from tasks.common.multitask.records import MEAN, PartRecords
from tasks.common.training.metric import TaskMetric

T = TypeVar("T")


class MultitaskMetric(TaskMetric):
    """The figures of all parts, and the mean of those that their best networks are chosen by.

    Args:
        parts: By name.
        monitors: Of each part, the figure that a network is chosen by.
    """

    def __init__(self, parts: Mapping[str, TaskMetric], *, monitors: Mapping[str, str]) -> None:
        super().__init__()
        self.parts = parts
        self._modules.update(parts)  # which moves them with this one
        self.monitors = monitors

    by_part: dict[str, dict[str, float]]  # figures, once computed

    def update(self, records: PartRecords) -> None:
        """Each part's."""
        for name, own in records.parts.items():
            self.parts[name].update(own)

    def compute(self) -> dict[str, float]:
        """Each part's figures under their own names."""
        self.by_part = {
            name: {key: float(value) for key, value in self.parts[name].compute().items()}
            for name in self.parts
        }
        chosen = [self.by_part[name][monitor] for name, monitor in self.monitors.items()]
        return joined(self.by_part) | {MEAN: float(np.mean(chosen))}

    def save(self, folder: Path) -> None:
        """Each part's in a folder of its name, and ``predictions.json`` with those of all."""
        predictions = {}
        for name, metric in self.parts.items():
            own = folder / name
            own.mkdir(exist_ok=True)
            metric.save(own)
            predictions[name] = json.loads((own / "predictions.json").read_text(encoding="utf-8"))
        with replacing(folder / "predictions.json") as temporary:
            temporary.write_text(json.dumps(predictions, indent=1) + "\n", encoding="utf-8")

    def reset(self) -> None:
        super().reset()
        for name in self.parts:
            self.parts[name].reset()
