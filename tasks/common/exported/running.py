"""A task whose network is a file that was exported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from safetensors.torch import load_file, save_file
from torch import Tensor

from backbone.description import lineage
from tasks.common.data.labels import LabelMap
from tasks.common.exported.metadata import read_metadata
from tasks.common.exported.network import Deployed
from tasks.common.exported.opening import TABLES, check_files, open_run
from tasks.common.exported.photos import as_pixels
from tasks.common.networks.building import build_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.training.described import Run
from tasks.common.training.task import File, Task


def described(folder: Path) -> Checkpoint:
    """What a folder says of its network, as a file of weights does, without the weights.

    Raises:
        InputError: If it has no metadata of ours.
    """
    return Checkpoint(folder, {}, read_metadata(folder)["network"])


def write_tables(network: Deployed, folder: Path) -> None:
    """Keeps what a head knows beside its weights, such as where its cells or anchors are."""
    tables = network.head.tables()
    if not network.decoded:
        tables = tables | network.undecoded().places
    if tables:
        save_file({name: value.contiguous() for name, value in tables.items()}, folder / TABLES)


def exported_task(config: DictConfig, folder: Path) -> Task:
    """A task that predicts by the file in a folder.

    Args:
        config: Settled by ``described(folder)``.
        folder: That ``tools/export.py`` wrote.

    Raises:
        InputError: If the folder or the library that runs it is not there.
    """
    metadata = read_metadata(folder)
    description = metadata["network"]
    task = build_task(
        config,
        label_map=LabelMap.from_dict(description["label_map"]),
        image_size=description["image_size"],
    )
    task.trained_on = lineage(description)
    if (folder / TABLES).is_file():
        task.head.load_state_dict(load_file(folder / TABLES), strict=False)
    check_files(folder, metadata)
    task.run_file(open_file(folder, metadata))
    return task.eval()


def open_file(folder: Path, metadata: Mapping[str, Any]) -> File:
    """What the file of a folder gives of photos, with what it is decoded by, if it is not.

    Raises:
        InputError: If the library is not installed.
    """
    run = by_tensors(open_run(folder, metadata, threads=torch.get_num_threads()))
    if metadata.get("decoded", True):
        return run
    places = load_file(folder / TABLES)
    return lambda image: run(image) | places


def by_tensors(run: Run) -> File:
    """The same for tensors: photos ``uint8`` of shape ``(B, 3, S, S)``."""

    def predictions(image: Tensor) -> dict[str, Tensor]:
        found = run(as_pixels(image))
        return {name: torch.from_numpy(value).to(image.device) for name, value in found.items()}

    return predictions
