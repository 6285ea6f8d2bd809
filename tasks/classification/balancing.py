"""What makes up for classes with few photos: how often they are shown, or how much they count."""

import torch
from torch import Tensor

from tasks.common.data.sampling import EpochSampler


class BalancedSampler(EpochSampler):
    """Shows photos of all classes equally often, as many in an epoch as there are photos.

    Those of a large class take turns over the epochs, those of a small one come several times.

    Args:
        classes: Of the photos, int64 ``(N,)``.
        **start: See ``EpochSampler``.
    """

    def __init__(self, classes: Tensor, **start: int) -> None:
        super().__init__(len(classes), **start)
        self.classes = classes

    def order(self) -> Tensor:
        generator = self.generator()
        shuffled = torch.randperm(self.num_samples, generator=generator)
        counts = self.classes.bincount()
        members = shuffled[torch.argsort(self.classes[shuffled], stable=True)].split(
            counts.tolist()
        )
        there = [each for each in members if len(each)]
        each, more = divmod(self.num_samples, len(there))
        lucky = torch.randperm(len(there), generator=generator) < more
        shown = [
            photos[torch.arange(each + int(one)) % len(photos)]
            for photos, one in zip(there, lucky.tolist(), strict=True)
        ]
        order = torch.cat(shown)
        return order[torch.randperm(len(order), generator=generator)]


def class_weights(classes: Tensor, num_classes: int) -> Tensor:
    """Weights that let each class count the same in all, whatever it has of the ``(N,)`` photos.

    Those of its photos are one on average; a class without photos has a weight of one.

    >>> class_weights(torch.tensor([0, 0, 0, 1]), 3)
    tensor([0.6667, 2.0000, 1.0000])
    """
    counts = classes.bincount(minlength=num_classes)
    weights = len(classes) / (counts.clamp(min=1) * (counts > 0).sum())
    return torch.where(counts > 0, weights, torch.ones(()))
