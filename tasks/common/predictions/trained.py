"""A network of torch, as prediction asks for one."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig

from backbone.errors import InputError
from heads.head import Batch
from tasks.common.data.loader import Loader
from tasks.common.data.module import DataModule
from tasks.common.exported.metadata import FILE as METADATA
from tasks.common.machine.computing import Computing
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.folding import fix_weights
from tasks.common.predictions.network import Network, Seen
from tasks.common.predictions.wanted import Wanted
from tasks.common.settings.targets import build
from tasks.common.training.task import Task
from tasks.common.training.trainer_settings import computing_of


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
        self.computing = Computing(task.device)  # until a command says where and how

    def checksum(self) -> str:
        found = hashlib.sha256()
        if self.checkpoint.path.is_dir():  # an exported network, whose checksum its metadata have
            found.update((self.checkpoint.path / METADATA).read_bytes())
        for name, tensor in sorted(self.checkpoint.tensors.items()):
            found.update(name.encode())
            found.update(tensor.detach().cpu().flatten().view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def get_ready(
        self, photos: Sequence[Path], wanted: Wanted, *, tell: Callable[[Seen], None]
    ) -> None:
        super().get_ready(photos, wanted, tell=tell)
        # float32 unless it is asked for otherwise, as all that leaves a run is
        self.computing = computing_of(self.config.trainer, auto="32-true")
        self.task.prepare("predict", self.data)
        self.task.heat_maps = bool(self.config.get("heat_map"))
        fix_weights(self.task.eval(), precision=self.computing.precision)
        self.task.to(self.computing.device)
        self.loader = _loader(self.data, photos, wanted)

    def seen(self) -> Iterator[Seen]:
        yield from map(self._look, self.loader)

    def look_at(
        self, photos: Sequence[Path], *, wanted: Wanted | None = None, cache: Path | None = None
    ) -> Iterator[Seen]:
        yield from map(self._look, _loader(self.data_here(cache), photos, wanted))

    def _look(self, batch: Batch) -> Seen:
        found = self._found(batch)
        if found is None:
            return Seen([], [], batch["errors"])
        ids = dict.fromkeys(batch["id"].tolist())  # once, of a photo that was seen in parts
        return Seen(list(ids), self.task.entries(found), batch["errors"])

    def _found(self, batch: Batch) -> Any:
        """Records of a batch; None if none of its photos could be read."""
        with self._inference():
            return self.task.predict(self.computing.move(batch))

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        """For one batch: between two of them, others work."""
        with torch.inference_mode(), self.computing.autocast():
            yield

    def describe(self, pictures: np.ndarray, frames: np.ndarray) -> list[dict[str, Any]]:
        image = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))
        batch = {"id": torch.arange(len(image)), "image": image, "frame": torch.from_numpy(frames)}
        return self.task.entries(self._found(batch))

    def points(self, photos: Sequence[Path]) -> np.ndarray:
        rows = []
        for batch in _loader(self.data_here(), photos, None):
            if batch["errors"]:
                raise InputError("\n".join(batch["errors"]))
            with self._inference():
                found = self.task.embeddings(self.computing.move(batch))
            rows.append(found.float().cpu().numpy())
        return np.concatenate(rows)

    def move(self, device: Any) -> None:
        self.task.to(device)
        self.computing = self.computing._replace(device=self.task.device)

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


def _loader(data: DataModule, photos: Sequence[Path], wanted: Wanted | None) -> Loader:
    """Batches of photos, whole or in parts.

    Raises:
        InputError: If parts are wanted, and these data have none.
    """
    if wanted is None or wanted.tile is None:
        return data.predict_dataloader(photos)
    return data.tile_loader(photos, side=wanted.tile, overlap=wanted.overlap)
