"""Learning rates at steps worked out by hand."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tasks.common.training.decay import parameter_groups
from tasks.common.training.schedule import constant, exponential, warmup_cosine
from tasks.common.training.schedule import steps as steps_down

LR = 0.5


def learning_rates(
    schedule: Callable[..., LambdaLR], *, total_steps: int, steps: int
) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = schedule(optimizer, total_steps=total_steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"] / LR)
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (
            partial(warmup_cosine, warmup_steps=10),
            {0: 1 / 11, 9: 10 / 11, 10: 1, 55: 0.5, 100: 0, 119: 0},
        ),
        (
            partial(warmup_cosine, warmup_steps=10, final_factor=0.2),
            {0: 1 / 11, 10: 1, 55: 0.6, 100: 0.2, 119: 0.2},
        ),
        # a tenth of the run at most
        (partial(warmup_cosine, warmup_steps=5000), {0: 1 / 11, 10: 1, 100: 0}),
        (partial(warmup_cosine, warmup_steps=0), {0: 1, 50: 0.5, 100: 0}),
        (
            partial(exponential, factor=0.9, every_steps=30, staircase=True),
            {0: 1, 29: 1, 30: 0.9, 59: 0.9, 60: 0.81, 119: 0.729},
        ),
        (
            partial(exponential, factor=0.9, every_steps=30, staircase=False),
            {0: 1, 15: 0.9**0.5, 30: 0.9, 60: 0.81},
        ),
        (
            partial(steps_down, milestones=[30, 60], factor=0.1),
            {0: 1, 29: 1, 30: 0.1, 59: 0.1, 60: 0.01, 119: 0.01},
        ),
        (partial(steps_down, milestones=[], factor=0.1), {0: 1, 119: 1}),
        (constant, {0: 1, 119: 1}),
        (partial(constant, warmup_steps=3), {0: 0.25, 1: 0.5, 2: 0.75, 3: 1, 119: 1}),
    ],
)
def test_factors(schedule: Callable[..., LambdaLR], expected: dict[int, float]) -> None:
    rates = learning_rates(schedule, total_steps=100, steps=120)
    assert {step: rates[step] for step in expected} == pytest.approx(expected)


@pytest.mark.parametrize("total_steps", [1, 2, 9])
def test_short_runs_have_a_learning_rate(total_steps: int) -> None:
    schedule = partial(warmup_cosine, warmup_steps=200)
    rates = learning_rates(schedule, total_steps=total_steps, steps=total_steps)
    assert rates[0] == 1 and min(rates) > 0


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def built(group: str, name: str) -> Callable[..., object]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", overrides=["task=ssd_coco", f"{group}={name}"])
        return build(config[group])


@pytest.mark.parametrize("name", options("optim"))
def test_every_optimiser_takes_a_step(name: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 3)
    before = layer.weight.clone()
    optimizer = built("optim", name)(parameter_groups(layer))
    assert isinstance(optimizer, Optimizer)
    assert (
        optimizer.param_groups[0]["weight_decay"] > 0 == optimizer.param_groups[1]["weight_decay"]
    )
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    assert (layer.weight < before).all()


@pytest.mark.parametrize("name", options("schedule"))
def test_every_schedule_is_built(name: str) -> None:
    rates = learning_rates(built("schedule", name), total_steps=2000, steps=1000)
    assert max(rates) == pytest.approx(1)


def test_rmsprop_is_tensorflows() -> None:
    """Averages start at 1 and epsilon stands under the root, unlike in torch's."""
    weight = nn.Parameter(torch.zeros(1))
    optimizer = built("optim", "rmsprop")([{"params": [weight], "weight_decay": 0.0}])
    (group,) = optimizer.param_groups
    average, momentum, expected = 1.0, 0.0, 0.0
    for gradient in (2.0, -1.0, 0.5):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        average = 0.9 * average + 0.1 * gradient**2
        momentum = 0.9 * momentum + group["lr"] * gradient / (average + 1.0) ** 0.5
        expected -= momentum
        assert weight.item() == pytest.approx(expected, rel=1e-5)
