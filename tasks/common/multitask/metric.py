"""The figures of several tasks in one."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
from torch import nn
from torchmetrics import Metric

T = TypeVar("T")

MEAN = "mean_of_parts"


class Records(NamedTuple):
    """What the parts say of photos.

    Attributes:
        parts: Records of each, by name.
        shared: Whether all are of the same photos, or each of its own.
    """

    parts: Mapping[str, Any]
    shared: bool


class MultitaskMetric(Metric):
    """The figures of all parts, and the mean of those that their best networks are chosen by.

    Args:
        parts: By name.
        monitors: Of each part, the figure that a network is chosen by.
    """

    full_state_update = False
    higher_is_better = True

    def __init__(self, parts: Mapping[str, Any], *, monitors: Mapping[str, str]) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(parts)
        self.monitors = monitors

    by_part: dict[str, dict[str, float]]  # figures, once computed

    def of(self, part: str) -> Metric:
        """The metric of a part."""
        metric = self.parts[part]
        assert isinstance(metric, Metric)
        return metric

    def update(self, records: Records) -> None:
        """Each part's."""
        for name, own in records.parts.items():
            self.of(name).update(own)

    def compute(self) -> dict[str, float]:
        """Each part's figures under their own names."""
        self.by_part = {
            name: {key: float(value) for key, value in self.of(name).compute().items()}
            for name in self.parts
        }
        chosen = [self.by_part[name][monitor] for name, monitor in self.monitors.items()]
        return joined(self.by_part) | {MEAN: float(np.mean(chosen))}

    def reset(self) -> None:
        super().reset()
        for name in self.parts:
            self.of(name).reset()


def joined(parts: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    """The entries of all parts; a name that several have gets the part's before it.

    >>> joined({"age": {"score": 1, "years": 2}, "look": {"score": 3}})
    {'age/score': 1, 'years': 2, 'look/score': 3}
    """
    counts = Counter(key for part in parts.values() for key in part)
    return {
        key if counts[key] == 1 else f"{name}/{key}": value
        for name, part in parts.items()
        for key, value in part.items()
    }
