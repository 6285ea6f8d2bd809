"""Learning-rate schedules, one factor a step."""

import math
from bisect import bisect_right
from collections.abc import Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from backbone.errors import InputError, check_number


def warmup_cosine(
    optimizer: Optimizer, *, total_steps: int, warmup_steps: int, final_factor: float = 0.0
) -> LambdaLR:
    """Rises linearly, then falls along half a cosine to ``final_factor`` of the learning rate.

    Args:
        optimizer: Holds the learning rate that is reached after the warm-up.
        total_steps: Optimiser steps of the whole run.
        warmup_steps: Steps of the rise, at most a tenth of the run.
        final_factor: Share of the learning rate left at the end.
    """
    check_number("schedule.warmup_steps", warmup_steps, at_least=0, whole=True)
    check_number("schedule.final_factor", final_factor, at_least=0, at_most=1)
    warmup_steps = min(warmup_steps, total_steps // 10)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        done = min((step - warmup_steps) / max(total_steps - warmup_steps, 1), 1.0)
        return final_factor + (1 - final_factor) * (1 + math.cos(math.pi * done)) / 2

    return LambdaLR(optimizer, factor)


def exponential(
    optimizer: Optimizer, *, total_steps: int, factor: float, every_steps: int, staircase: bool
) -> LambdaLR:
    """Multiplies the learning rate by ``factor`` every so many steps, as TensorFlow's recipes do.

    Args:
        optimizer: Holds the first learning rate.
        total_steps: Not used: this schedule doesn't know where it ends.
        factor: 0.95 for SSD-MobileNet.
        every_steps: 800,000 for SSD-MobileNet.
        staircase: Fall at once instead of a little each step.
    """
    del total_steps
    check_number("schedule.factor", factor, above=0, at_most=1)
    check_number("schedule.every_steps", every_steps, at_least=1, whole=True)

    def factor_at(step: int) -> float:
        return factor ** (step // every_steps if staircase else step / every_steps)

    return LambdaLR(optimizer, factor_at)


def steps(
    optimizer: Optimizer, *, total_steps: int, milestones: Sequence[int], factor: float
) -> LambdaLR:
    """Multiplies the learning rate by ``factor`` at each of a few steps, as SSD and R-CNN do.

    Args:
        optimizer: Holds the first learning rate.
        total_steps: Not used: milestones that it does not reach have no effect.
        milestones: Optimiser steps, in order.
        factor: 0.1 in both papers.
    """
    del total_steps
    check_number("schedule.factor", factor, above=0, at_most=1)
    if not isinstance(milestones, Sequence):
        raise InputError(
            f"schedule.milestones={milestones}: a list is needed, such as [160000,200000]"
        )
    for milestone in milestones:
        check_number("schedule.milestones", milestone, at_least=1, whole=True)
    if list(milestones) != sorted(milestones):
        raise InputError(f"schedule.milestones={list(milestones)}: they must rise")
    milestones = list(milestones)
    return LambdaLR(optimizer, lambda step: factor ** bisect_right(milestones, step))


def constant(optimizer: Optimizer, *, total_steps: int, warmup_steps: int = 0) -> LambdaLR:
    """The same learning rate throughout, after a linear rise."""
    del total_steps
    check_number("schedule.warmup_steps", warmup_steps, at_least=0, whole=True)
    return LambdaLR(optimizer, lambda step: min((step + 1) / (warmup_steps + 1), 1.0))
