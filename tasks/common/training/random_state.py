"""What a run must remember so that resuming it changes nothing."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from tasks.common.data.sampling import gathered, rank_and_world_size


class RandomState(Callback):
    """Saves all random generators, of every process, and restores them on resuming.

    They are restored at the first training step, since setting a run up draws from them.
    """

    def __init__(self) -> None:
        self._restored: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        return {"processes": gathered(_generator_states())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        states = state_dict["processes"]
        rank, _ = rank_and_world_size()
        self._restored = states[rank % len(states)]

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._restored is not None:
            _set_generator_states(self._restored)
            self._restored = None


@contextlib.contextmanager
def kept_random_state() -> Iterator[None]:
    """Leaves all random generators of this process as they were."""
    states = _generator_states()
    try:
        yield
    finally:
        _set_generator_states(states)


def _generator_states() -> dict[str, Any]:
    """States of Python's, numpy's and torch's generators as tensors and plain values."""
    numpy: Any = np.random.get_state()  # noqa: NPY002 - the global one
    _, keys, position, has_gauss, gauss = numpy
    version, values, gauss_next = random.getstate()
    return {
        "python": [version, list(values), gauss_next],
        "numpy": [torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_generator_states(states: dict[str, Any]) -> None:
    version, values, gauss_next = states["python"]
    random.setstate((version, tuple(values), gauss_next))
    keys, position, has_gauss, gauss = states["numpy"]
    state = ("MT19937", keys.numpy().astype(np.uint32), position, has_gauss, gauss)
    np.random.set_state(state)  # noqa: NPY002
    torch.set_rng_state(states["torch"].cpu())
    if len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])
