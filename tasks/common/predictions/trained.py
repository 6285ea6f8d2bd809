"""A network of torch, as prediction asks for one."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.data.loader import Loader
from tasks.common.data.module import DataModule
from tasks.common.exported.metadata import FILE as METADATA
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.folding import fix_weights
from tasks.common.predictions.network import Network, Seen
from tasks.common.predictions.wanted import Wanted
from tasks.common.settings.targets import build
from tasks.common.training.checkpoints import StopBetweenBatches
from tasks.common.training.task import Task
from tasks.common.training.trainer import build_trainer, num_processes, work_exactly


class TrainedNetwork(Network):
    """Looks at photos by a task.

    Args:
        task: With the network.
        config: Settled by the checkpoint.
        checkpoint: That the network is from.
    """

    def __init__(self, task: Task, config: DictConfig, checkpoint: Checkpoint) -> None:
        self.task = task
        self.described = task
        self.config = config
        self.checkpoint = checkpoint
        self.description = checkpoint.description
        self.names = task.label_map.names
        self.data: DataModule = build(config.data)
        self.has_tiles = self.data.has_tiles
        self._data: dict[Path | None, DataModule] = {}

    def checksum(self) -> str:
        found = hashlib.sha256()
        if self.checkpoint.path.is_dir():  # an exported network, whose checksum its metadata have
            found.update((self.checkpoint.path / METADATA).read_bytes())
        for name, tensor in sorted(self.checkpoint.tensors.items()):
            found.update(name.encode())
            found.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def get_ready(
        self,
        photos: Sequence[Path],
        wanted: Wanted,
        *,
        folder: Path,
        tell: Callable[[Seen], None],
    ) -> None:
        if num_processes(self.config.trainer) > 1:
            raise InputError("Prediction is the work of one process: leave trainer.devices out")
        self.task.heat_maps = bool(self.config.get("heat_map"))
        callbacks = [_Telling(tell), StopBetweenBatches()]
        self.trainer = build_trainer(self.config.trainer, folder=folder, callbacks=callbacks)
        work_exactly(self.trainer, precision=self.config.trainer.precision)
        fix_weights(self.task.eval(), precision=self.trainer.precision)
        self.loader = _loader(self.data, photos, wanted)

    def predict(self) -> None:
        self.trainer.predict(self.task, self.loader, return_predictions=False)
        self.task.to(self.trainer.strategy.root_device)

    def look_at(
        self, photos: Sequence[Path], *, wanted: Wanted | None = None, cache: Path | None = None
    ) -> Iterator[Seen]:
        for batch in _loader(self.data_here(cache), photos, wanted):
            with torch.inference_mode():  # and not while others work between two batches
                here = move_data_to_device(batch, self.task.device)
                seen = _seen(self.task, self.task.predict_step(here, 0), batch)
            yield seen

    def describe(self, pictures: np.ndarray, frames: np.ndarray) -> list[dict[str, Any]]:
        image = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        batch = {"id": torch.arange(len(image)), "image": image, "frame": torch.from_numpy(frames)}
        with torch.inference_mode():
            found = self.task.predict_step(move_data_to_device(batch, self.task.device), 0)
            return self.task.entries(found)

    def points(self, photos: Sequence[Path]) -> np.ndarray:
        rows = []
        for batch in _loader(self.data_here(), photos, None):
            if batch["errors"]:
                raise InputError("\n".join(batch["errors"]))
            with torch.inference_mode():
                here = move_data_to_device(batch, self.task.device)
                rows.append(self.task.embeddings(here).float().cpu().numpy())
        return np.concatenate(rows)

    def move(self, device: Any) -> None:
        self.task.to(device)

    def __repr__(self) -> str:
        backbone = self.task.backbone
        settings = "".join(f" {key}={value}" for key, value in backbone.settings.items())
        return (
            f"<{self.task.head.name} on {backbone.name}{settings}, {self.task.image_size} pixels, "
            f"{len(self.names)} classes, trained on {', '.join(self.task.trained_on) or 'nothing'}>"
        )

    def data_here(self, cache: Path | None = None) -> DataModule:
        """Prepares photos in this process; a process would take longer to start than they do."""
        if cache not in self._data:
            config = self.config.data.copy()
            config.num_workers = 0
            if cache and config.get("cache"):
                config.cache = str(cache)
            self._data[cache] = build(config)
        return self._data[cache]


class _Telling(BasePredictionWriter):
    """Tells what Lightning's loop finds."""

    def __init__(self, tell: Callable[[Seen], None]) -> None:
        super().__init__(write_interval="batch")
        self.tell = tell

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Any,
        batch_indices: Any,
        batch: Mapping[str, Any],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        assert isinstance(pl_module, Task)
        self.tell(_seen(pl_module, prediction, batch))


def _loader(data: DataModule, photos: Sequence[Path], wanted: Wanted | None) -> Loader:
    """Batches of photos, whole or in parts.

    Raises:
        InputError: If parts are wanted, and these data have none.
    """
    if wanted is None or wanted.tile is None:
        return data.predict_dataloader(photos)
    return data.tile_loader(photos, side=wanted.tile, overlap=wanted.overlap)


def _seen(task: Task, prediction: Any, batch: Mapping[str, Any]) -> Seen:
    if prediction is None:
        return Seen([], [], batch["errors"])
    ids = dict.fromkeys(batch["id"].tolist())  # once, of a photo that was seen in parts
    return Seen(list(ids), task.entries(prediction), batch["errors"])
