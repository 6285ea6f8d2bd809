"""How near predictions are to the truth."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tasks.brightness.records import Records
from tasks.common.training.metric import TaskMetric


class BrightnessMetric(TaskMetric):
    """One minus the mean difference.

    Args:
        truth: Of all validation photos, ``(N, 1)``.
    """

    difference: Tensor
    count: Tensor

    def __init__(self, truth: np.ndarray) -> None:
        super().__init__()
        self.truth = torch.from_numpy(truth)
        self.add_state("difference", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, records: Records) -> None:
        wanted = self.truth[records.ids.cpu()].to(records.shares)
        self.difference += (records.shares - wanted).abs().sum()
        self.count += len(records.ids)

    def compute(self) -> dict[str, float]:
        return {"closeness": float(1 - self.difference / self.count)}

    def save(self, folder: Path) -> None:
        """Writes how many photos the figure is of."""
        (folder / "photos.json").write_text(json.dumps(int(self.count)), encoding="utf-8")
