"""The network's speed on one photo beside that on two."""

import torch
from omegaconf import DictConfig

from tasks.common.machine.timing import Row, median_seconds, speed_row
from tasks.common.networks.building import build_backbone


def bench(config: DictConfig) -> list[Row]:
    """Measures a pass.

    Args:
        config: The composed ``configs/bench.yaml``.
    """
    network = build_backbone(config)
    one, two = (torch.zeros(count, 3, 32, 32) for count in (1, 2))
    calls = {"one": lambda: network(one), "two": lambda: network(two)}
    seconds = median_seconds(calls, seconds=config.seconds)
    return [
        speed_row(
            "a pass", ours=seconds["one"], peer=seconds["two"], unit="ms", goal=None, note="1 and 2"
        )
    ]
