"""Small classifiers in files and run folders, as the commands leave them."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from backbone.mobilenet import MobileNet
from backbone.weights import Weights, save_weights
from heads.classification import ClassificationHead

NAMES = ["cat", "dog", "eel", "fox", "gnu", "hen"]


def write_classifier(path: Path) -> Path:
    """Random weights that describe themselves."""
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = ClassificationHead(in_channels=backbone.out_channels, num_classes=len(NAMES))
    description = {
        "backbone": {"name": backbone.name, **backbone.settings},
        "head": {"name": head.name, **head.settings()},
        "label_map": {"names": NAMES, "ids": list(range(len(NAMES)))},
        "image_size": 64,
        "batch_norm_folded": False,
    }
    tensors = nn.ModuleDict({"backbone": backbone, "head": head}).state_dict()
    save_weights(path, Weights(tensors, description))
    return path


def write_run(folder: Path, *, data: str, root: str, accuracy: float, **changed: Any) -> Path:
    """A run folder's settings and figures.

    Args:
        folder: To make.
        data: The reader's place in ``tasks.classification``.
        root: Of the data.
        accuracy: From 0 to 1.
        **changed: Of the figures.
    """
    folder.mkdir(parents=True)
    metrics = {"val/accuracy": accuracy, "mult_adds": 20e6, "num_params": 400e3} | changed
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "config.yaml").write_text(
        f"data:\n  _target_: tasks.classification.{data}\n  root: {root}\n  image_size: 160\n"
        "backbone:\n  _target_: backbone.mobilenet.MobileNet\n  width: 0.25\n"
    )
    return folder


def write_scored(folder: Path, *, classes: int, photos: int) -> None:
    """The list of classes that a run was scored on, with so many photos each."""
    rows = [f"class {number},{photos},1" for number in range(classes)]
    (folder / "classes.csv").write_text("\n".join(["name,photos,right", *rows]) + "\n")
