"""A training step without a trainer, to be measured."""

from collections.abc import Callable

from omegaconf import DictConfig
from torch import Tensor, nn

from tasks.common.settings.targets import build
from tasks.common.training.decay import parameter_groups


def training_step(
    loss: Callable[[], Tensor], model: nn.Module, optim: DictConfig
) -> Callable[[], None]:
    """Makes a step: loss, gradients, and the optimiser's change of the weights.

    Args:
        loss: Of a batch, by the model.
        model: With the weights.
        optim: Settings of the optimiser.
    """
    optimizer = build(optim)(parameter_groups(model))

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step
