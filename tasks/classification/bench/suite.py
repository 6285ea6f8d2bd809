"""Our classifier's speed beside timm's mobilenetv1_100, measured in one run."""

import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import timm
import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from PIL import Image
from timm.data import create_transform
from torch import Tensor, nn

from backbone.errors import InputError
from tasks.classification.layouts.class_folders import make_photos
from tasks.classification.layouts.imagenet import imagenet_label_map
from tasks.common.data import augmentation
from tasks.common.data.photo_sets import LabelledSet
from tasks.common.data.photos import Photos
from tasks.common.images.geometry import Look
from tasks.common.machine.computing import Computing
from tasks.common.machine.hardware import fastest_precision, prediction_precisions
from tasks.common.machine.timing import Row, median_seconds, speed_row
from tasks.common.networks.building import build_task
from tasks.common.networks.folding import fix_weights
from tasks.common.training.step import training_step
from tasks.common.training.task import Task

SIDE = 224
NUM_CLASSES = 1000
PEER = "mobilenetv1_100"
PLAIN, TUNED = "as it comes: float32, contiguous", "in channels_last and {}, as ours"


def bench(config: DictConfig) -> list[Row]:
    """Measures what ``parts`` asks for.

    Args:
        config: The composed ``configs/bench.yaml``.

    Raises:
        InputError: If there is no such part.
    """
    named = config.parts.split(",") if isinstance(config.parts, str) else config.parts
    unknown = sorted(set(named) - {*PARTS, "scoring"})  # accuracy takes no time
    if unknown or not named:
        raise InputError(
            f"parts={','.join(unknown) or 'nothing'}: a list of {', '.join(PARTS)} is needed, "
            "such as parts=[train,predict]"
        )
    return [row for part in PARTS if part in named for row in PARTS[part](config)]


def train_rows(config: DictConfig) -> Iterator[Row]:
    """A training step, against timm's network as it is and with the same advantages."""
    task, device, precision = _task(config).train(), _device(), fastest_precision()
    computing = Computing(device, precision)
    plain, tuned = (_peer(device).train() for _ in range(2))
    tuned.to(memory_format=torch.channels_last)
    photos, target = _batch(config, device)
    # each side gets what its own loader yields
    floats = photos.contiguous().float() / 255
    last = floats.contiguous(memory_format=torch.channels_last)

    def our_loss() -> Tensor:
        with computing.autocast():
            losses = task.head.loss(task(photos), {"target": target})
        return losses["classification"]

    def plain_loss() -> Tensor:
        return F.cross_entropy(plain(floats), target)

    def tuned_loss() -> Tensor:
        with computing.autocast():
            return F.cross_entropy(tuned(last), target)

    yield from _rows(
        "training step",
        {
            "ours": training_step(our_loss, task, config.optim),
            "plain": training_step(plain_loss, plain, config.optim),
            "tuned": training_step(tuned_loss, tuned, config.optim),
        },
        config,
        precision=precision,
        goals=(2.5, 1.0),
    )


def predict_rows(config: DictConfig) -> Iterator[Row]:
    """Probabilities of a batch, as ``tools/predict.py`` computes them, against timm's."""
    for precision in prediction_precisions():
        yield from _predict_rows(config, precision)


def _predict_rows(config: DictConfig, precision: str) -> Iterator[Row]:
    task, device = _task(config).eval(), _device()
    computing = Computing(device, precision)
    fix_weights(task, precision=precision)
    plain, tuned = (_peer(device).eval() for _ in range(2))
    tuned.to(memory_format=torch.channels_last)
    photos, _ = _batch(config, device)
    floats = photos.contiguous().float() / 255
    last = floats.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def ours() -> Tensor:
        with computing.autocast():
            return task.head.predict(task(photos), {})

    @torch.no_grad()
    def theirs() -> Tensor:
        return plain(floats).softmax(-1)

    @torch.no_grad()
    def theirs_tuned() -> Tensor:
        with computing.autocast():
            return tuned(last).softmax(-1)

    calls = {"ours": ours, "plain": theirs, "tuned": theirs_tuned}
    yield from _rows(f"predict, {precision}", calls, config, precision=precision, goals=(2.5, 1.0))


def _rows(
    what: str,
    contestants: dict[str, Callable[[], Any]],
    config: DictConfig,
    *,
    precision: str,
    goals: tuple[float, float],
) -> Iterator[Row]:
    seconds = median_seconds(contestants, seconds=config.seconds)
    tuned = TUNED.format(precision)
    for peer, how, goal in (("plain", PLAIN, goals[0]), ("tuned", tuned, goals[1])):
        yield speed_row(
            what,
            ours=seconds["ours"],
            peer=seconds[peer],
            unit="images/s",
            count=config.batch_size,
            goal=goal,
            note=f"batch {config.batch_size}, {SIDE} pixels; {PEER} {how}",
        )


def loading_rows(config: DictConfig) -> Iterator[Row]:
    """JPEG files to augmented samples on one core, against timm's transforms of the same files."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    theirs = {
        "paper": create_transform(SIDE, is_training=True, color_jitter=0.0, scale=(0.35, 1.0)),
        "modern": create_transform(SIDE, is_training=True, auto_augment="rand-m9-n2"),
    }
    try:
        with tempfile.TemporaryDirectory() as folder:
            photos = _photos(config, Path(folder))
            for name, look in (("paper", augmentation.paper), ("modern", augmentation.modern)):
                yield _loading_row(config, name, photos, look, theirs[name])
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])


def _loading_row(
    config: DictConfig,
    name: str,
    photos: Photos,
    look_at: Callable[[int], Look],
    transform: Any,
) -> Row:
    ours = LabelledSet(photos, look_at, sides=[SIDE], seed=config.seed)

    def theirs(place: tuple[int, int]) -> Tensor:
        with Image.open(photos.path(place[1])) as photo:
            return transform(photo.convert("RGB"))

    seconds = median_seconds(
        {"ours": _load(ours.__getitem__, config), "theirs": _load(theirs, config)},
        seconds=config.seconds,
    )
    return speed_row(
        f"loading, {name}",
        ours=seconds["ours"],
        peer=seconds["theirs"],
        unit="photos/s",
        count=config.batch_size,
        goal=1.5,
        note="one core, 500x375 pixels; timm's create_transform",
    )


def _load(load: Callable[[tuple[int, int]], Any], config: DictConfig) -> Callable[[], None]:
    """Loads as many photos as a batch has, going round all of them."""
    supply = count()

    def batch() -> None:
        for _ in range(config.batch_size):
            load(divmod(next(supply), config.num_photos))

    return batch


def _photos(config: DictConfig, folder: Path) -> Photos:
    """JPEGs of ImageNet's usual size, of as many bytes."""
    rng = np.random.default_rng(config.seed)
    paths = [folder / f"{number}.jpg" for number in range(config.num_photos)]
    for path in paths:
        coarse = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (500, 375), interpolation=cv2.INTER_CUBIC)
        Image.fromarray(pixels).save(path, quality=95)
    return make_photos(folder, paths, [0] * len(paths), label_map=imagenet_label_map())


def _task(config: DictConfig) -> Task:
    return build_task(config, label_map=imagenet_label_map(), image_size=SIDE).to(_device())


def _peer(device: torch.device) -> nn.Module:
    network: nn.Module = timm.create_model(PEER, num_classes=NUM_CLASSES)
    return network.to(device)


def _batch(config: DictConfig, device: torch.device) -> tuple[Tensor, Tensor]:
    """Noise as our loader yields it, channels last in memory, and random classes."""
    generator = torch.Generator().manual_seed(config.seed)
    shape = config.batch_size, SIDE, SIDE, 3
    photos = torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    target = torch.randint(NUM_CLASSES, (config.batch_size,), generator=generator)
    return photos.permute(0, 3, 1, 2).to(device), target.to(device)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


PARTS: dict[str, Callable[[DictConfig], Iterator[Row]]] = {
    "train": train_rows,
    "predict": predict_rows,
    "loading": loading_rows,
}
