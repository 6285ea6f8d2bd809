"""Training of networks that int8 will hold: they see its rounding, and learn to live with it."""

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

STEPS_OF_WEIGHTS = 127  # to either side of zero
STEPS_OF_VALUES = 255


class RoundedTraining(Callback):
    """Rounds what goes into each layer, and its weights, as an export with ``precision=int8`` does.

    Weights are on a grid for each output channel, which batch norm, folded in later, only scales;
    values are on one over their whole range. The gradient passes as if nothing were rounded
    (Jacob et al. 2018, with the ranges of each batch instead of running ones). So do the
    validations on the way, by which the best weights are chosen. Weights stay the floats they were
    outside of the pass, so that checkpoints are as always.
    """

    def __init__(self) -> None:
        self._hooks: list[RemovableHandle] = []

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._hooks = rounding(pl_module)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []


def rounding(module: nn.Module) -> list[RemovableHandle]:
    """Has each convolution and linear layer of a module round, until these are removed."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [
        hook
        for layer in layers
        for hook in (
            layer.register_forward_pre_hook(_round),
            layer.register_forward_hook(_restore, always_call=True),
        )
    ]


def _round(layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    # in front of the parameter, which stays where optimisers and checkpoints look for it
    weight, values = layer.get_parameter("weight"), given[0]
    layer.__dict__["weight"] = _straight_through(weight, on_grid(weight.detach()))
    return (_straight_through(values, on_line(values.detach())), *given[1:])


def _restore(layer: nn.Module, given: tuple[Any, ...], output: Any) -> None:
    layer.__dict__.pop("weight", None)


def on_grid(weight: Tensor) -> Tensor:
    """Weights rounded to what int8 holds of each output channel, the first dimension."""
    largest = weight.abs().flatten(1).amax(1)
    return _multiples(weight, (largest / STEPS_OF_WEIGHTS).view(-1, *[1] * (weight.dim() - 1)))


def on_line(values: Tensor) -> Tensor:
    """Values rounded to what int8 holds of their range, of which zero is always a part."""
    low, high = torch.aminmax(values)
    return _multiples(values, step_over(low, high))


def step_over(low: Tensor, high: Tensor) -> Tensor:
    """Between two values of int8, of a range that these are the ends of."""
    return (high.clamp(min=0) - low.clamp(max=0)).float() / STEPS_OF_VALUES


def _multiples(values: Tensor, step: Tensor) -> Tensor:
    """The nearest ones of ``step``."""
    step = step.clamp(min=torch.finfo(torch.float32).tiny)
    return ((values / step).round() * step).to(values.dtype)


def _straight_through(values: Tensor, rounded: Tensor) -> Tensor:
    """The rounded values, with the gradient of those that they were."""
    return values + (rounded - values).detach()
