"""Our detector's speed beside torchvision's and pycocotools', measured in one run."""

import copy
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.data.samples import Place
from tasks.common.machine.timing import Row, median_seconds, speed_row
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.settling import settled
from tasks.common.settings.targets import build
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.augmentation import recipes
from tasks.detection.bench.made_up import random_annotations, random_records
from tasks.detection.bench.network import predict_rows, train_rows
from tasks.detection.bench.torchvision_one_stage import ReferenceSet
from tasks.detection.data import DetectionData
from tasks.detection.demo.scenes import write_scenes
from tasks.detection.metric import CocoMetric
from tasks.detection.samples import DetectionSet

SCORED_CLASSES = 80
EQUAL = 1e-6


def bench(config: DictConfig) -> list[Row]:
    """Measures what ``parts`` asks for.

    Args:
        config: The composed ``configs/bench.yaml``.

    Raises:
        InputError: If there is no such part, or the network is no detector.
    """
    named = config.parts.split(",") if isinstance(config.parts, str) else config.parts
    unknown = sorted(set(named) - set(PARTS))
    if unknown or not named:
        raise InputError(
            f"parts={','.join(unknown) or 'nothing'}: a list of {', '.join(PARTS)} is needed, "
            "such as parts=[train,predict]"
        )
    weights = Checkpoint.read(Path(config.init)) if config.init else None
    if weights:
        config = settled(config, weights)
    return [row for part in PARTS if part in named for row in PARTS[part](config, weights)]


def loading_rows(config: DictConfig, _: Checkpoint | None) -> Iterator[Row]:
    """Photos from disk to augmented samples, on one core."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for annotations, source in _photos(config, Path(folder)):
                yield from _loading_rows(config, annotations, source)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def _photos(config: DictConfig, folder: Path) -> Iterator[tuple[Annotations, str]]:
    """The data set that was given, or scenes of each size."""
    if config.data.root or config.data.get("train_images"):
        yield _data(config).train_annotations, "the photos given"
        return
    for size in config.photo_sizes:
        root = folder / str(size)
        write_scenes(root, num_train=config.num_photos, num_val=1, seed=config.seed, size=size)
        data = copy.deepcopy(config.data)
        data.root = str(root)
        yield build(data).train_annotations, f"{size}x{size} pixels"


def _loading_rows(config: DictConfig, annotations: Annotations, source: str) -> Iterator[Row]:
    # torchvision's crop refuses photos without boxes, so its references leave them out
    annotations = annotations.select(np.flatnonzero(np.diff(annotations.offsets)))
    size = _data(config).image_size
    for what, augmentation, preset, goal in (
        ("paper", recipes.paper(size), "ssdlite", 1.5),
        ("strong, no mosaic", recipes.strong(size, mosaic=0.0), "ssd", 1.5),
        ("strong", recipes.strong(size), "ssd", None),
    ):
        ours = DetectionSet(annotations, augmentation, seed=config.seed)
        theirs = ReferenceSet(annotations, preset=preset, image_size=size)
        seconds = median_seconds(
            {
                "ours": _load(ours.__getitem__, config, len(ours)),
                "theirs": _load(theirs.__getitem__, config, len(ours)),
            },
            seconds=config.seconds,
        )
        yield speed_row(
            f"loading, {what}",
            ours=seconds["ours"],
            peer=seconds["theirs"],
            unit="photos/s",
            count=config.batch_size,
            goal=goal,
            note=f"one core, {source}; peer {preset}"
            + ("" if goal else ", which has no mosaics of four photos"),
        )


def _load(load: Callable[[Place], Any], config: DictConfig, num_photos: int) -> Callable[[], None]:
    """Loads as many photos as a batch has, going round all of them."""
    supply = count()

    def batch() -> None:
        for _ in range(config.batch_size):
            load(divmod(next(supply), num_photos))

    return batch


def scoring_rows(config: DictConfig, _: Checkpoint | None) -> Iterator[Row]:
    """COCO's average precision of random detections, from tensors to figures."""
    rng = np.random.default_rng(config.seed)
    annotations = random_annotations(config.num_scored, num_classes=SCORED_CLASSES, rng=rng)
    records = random_records(annotations, rng)
    metrics = {
        name: CocoMetric(annotations, reference=name == "theirs") for name in ("ours", "theirs")
    }

    def compute(metric: CocoMetric) -> dict[str, float]:
        metric.reset()
        metric.update(records)
        return metric.compute()

    seconds = median_seconds(
        {name: partial(compute, metric) for name, metric in metrics.items()},
        seconds=config.seconds,
    )
    ours, theirs = (compute(metric) for metric in metrics.values())
    gap = max(abs(ours[name] - theirs[name]) for name in theirs)
    yield speed_row(
        "COCO scoring",
        ours=seconds["ours"],
        peer=seconds["theirs"],
        unit="s",
        goal=4.0,
        note=f"{len(annotations)} photos, {len(records.scores)} detections, {SCORED_CLASSES} "
        f"classes; peer pycocotools; figures {'equal' if gap < EQUAL else f'differ by {gap:.1g}'}",
    )


def _data(config: DictConfig) -> DetectionData:
    data: DetectionData = build(config.data)
    return data


PARTS: dict[str, Callable[[DictConfig, Checkpoint | None], Iterator[Row]]] = {
    "train": train_rows,
    "predict": predict_rows,
    "loading": loading_rows,
    "scoring": scoring_rows,
}
