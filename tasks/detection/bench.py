"""Our detector's speed beside torchvision's and pycocotools', measured in one run."""

import copy
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from omegaconf import DictConfig, open_dict
from torch import Tensor, nn
from torchvision.transforms.functional import to_tensor

from backbone.errors import InputError
from backbone.weights import Weights, read_weights
from heads.head import Batch
from heads.ssd import SSDHead
from tasks.common.config import build
from tasks.common.labels import LabelMap
from tasks.common.network import build_task, load_weights, settle
from tasks.common.optim import parameter_groups
from tasks.common.task import Task
from tasks.common.timing import Row, median_seconds, speed_row
from tasks.common.trainer import fastest_precision
from tasks.detection import augment
from tasks.detection.annotations import Annotations, start_offsets
from tasks.detection.data import DetectionData, DetectionSet
from tasks.detection.metric import CocoMetric, Records
from tasks.detection.scenes import draw_scene, write_scenes
from tasks.detection.torchvision_peer import ReferenceSet, as_targets, torchvision_ssd

PHOTO_SIZE = (640, 480)  # COCO's most frequent
BOXES_PER_PHOTO = 7  # COCO's mean
SCORED_CLASSES = 80
NUM_BATCHES = 4
# A trained network gives some ten to some hundred scores over 0.01 a photo, as this does.
TRAINED_CLASS_BIAS = -7.0
EQUAL = 1e-6


def bench(config: DictConfig) -> list[Row]:
    """Measures what ``parts`` asks for.

    Args:
        config: The composed ``configs/bench.yaml``.

    Raises:
        InputError: If there is no such part, or the network is no SSD.
    """
    named = config.parts.split(",") if isinstance(config.parts, str) else config.parts
    unknown = sorted(set(named) - set(PARTS))
    if unknown or not named:
        raise InputError(
            f"parts={','.join(unknown) or 'nothing'}: a list of {', '.join(PARTS)} is needed, "
            "such as parts=[train,predict]"
        )
    weights = read_weights(Path(config.init)) if config.init else None
    if weights:
        settle(config, weights, source=Path(config.init))
    return [row for part in PARTS if part in named for row in PARTS[part](config, weights)]


def train_rows(config: DictConfig, _: Weights | None) -> Iterator[Row]:
    """A training step, against torchvision's SSD class as it is and with the same advantages."""
    task, device = _new_task(config), _device()
    rng = np.random.default_rng(config.seed)
    batches = [_random_batch(config, len(task.label_map), rng) for _ in range(NUM_BATCHES)]
    plain, tuned = (_peer(task).to(device).train() for _ in range(2))
    tuned.to(memory_format=torch.channels_last)
    targets = [_to_device(as_targets(batch), device) for batch in batches]
    batches = [_to_device(batch, device) for batch in batches]
    task.to(device).train()

    def our_loss(batch: Batch) -> Tensor:
        with _precision():
            return task.training_step(batch, 0)

    def plain_loss(batch: Any) -> Tensor:
        return torch.stack(list(plain(*batch).values())).sum()

    def tuned_loss(batch: Any) -> Tensor:
        with _precision():
            return torch.stack(list(tuned(*batch).values())).sum()

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*self.log.*")  # there is no trainer to log to
        seconds = median_seconds(
            {
                "ours": _step(our_loss, task, batches, config),
                "plain": _step(plain_loss, plain, targets, config),
                "tuned": _step(tuned_loss, tuned, targets, config),
            },
            seconds=config.seconds,
        )
    measured = {
        "ours": seconds["ours"],
        "unit": "images/s",
        "count": config.batch_size,
        "note": f"batch {config.batch_size}, {fastest_precision()}; {{}}",
    }
    for peer, goal, how in (
        ("plain", 2.2, "peer as it comes: float32, contiguous"),
        ("tuned", 1.1, "peer in the same precision and channels_last"),
    ):
        note = f"batch {config.batch_size}, width {task.backbone.settings['width']:g}; {how}"
        yield speed_row(
            "training step", **measured | {"peer": seconds[peer], "goal": goal, "note": note}
        )


def _step(
    loss: Callable[[Any], Tensor], model: nn.Module, batches: Sequence[Any], config: DictConfig
) -> Callable[[], None]:
    """One step of the optimiser on the next batch."""
    optimizer = build(config.optim)(parameter_groups(model))
    supply = cycle(batches)

    def step() -> None:
        optimizer.zero_grad()
        loss(next(supply)).backward()
        optimizer.step()

    return step


def predict_rows(config: DictConfig, weights: Weights | None) -> Iterator[Row]:
    """A decoded photo to boxes in its own coordinates, one at a time."""
    width, height = PHOTO_SIZE
    photo = draw_scene(np.random.default_rng(config.seed), max(PHOTO_SIZE))[0][:height, :width]
    photo = np.ascontiguousarray(photo)
    trained = _trained_task(config, weights)
    yield _predict_row(config, trained, photo, what="trained", goal=2.0)
    # without a bias against them, all classes score over the threshold everywhere
    yield _predict_row(
        config, _new_task(config, class_bias=0.0), photo, what="random weights", goal=4.0
    )


def _predict_row(
    config: DictConfig, task: Task, photo: np.ndarray, *, what: str, goal: float
) -> Row:
    device, data = _device(), _data(config)
    peer = _peer(task).to(device).eval()
    task.to(device).eval()
    show = augment.plain(data.image_size)
    raw = {
        "image": photo,
        "boxes": np.zeros((0, 4), np.float32),
        "labels": np.zeros(0, np.int64),
        "id": 0,
        "frame": photo.shape[1::-1],
    }

    def ours() -> Records:
        sample = show(lambda _: dict(raw), 0, np.random.default_rng(0), num_images=1)
        batch = _to_device(data.collate([sample]), device)
        with torch.inference_mode(), _precision():
            records: Records = task.predict_step(batch, 0)
        return records

    def theirs() -> dict[str, Tensor]:
        with torch.no_grad():
            result: dict[str, Tensor] = peer([to_tensor(photo).to(device)])[0]
        return result

    seconds = median_seconds({"ours": ours, "theirs": theirs}, seconds=config.seconds)
    source = Path(config.init).name if config.init else f"class bias {TRAINED_CLASS_BIAS:g}"
    return speed_row(
        f"predict, {what}",
        ours=seconds["ours"],
        peer=seconds["theirs"],
        unit="ms",
        goal=goal,
        note=f"batch 1, {photo.shape[1]}x{photo.shape[0]} pixels"
        + (f"; {source}" if what == "trained" else "; every class passes the threshold")
        + f"; {len(ours().scores)} and {len(theirs()['scores'])} detections",
    )


def _trained_task(config: DictConfig, weights: Weights | None) -> Task:
    """The network of ``init=``, or one whose scores are as sparse as a trained one's."""
    if weights and "label_map" in weights.description:
        task = _new_task(config, label_map=LabelMap.from_dict(weights.description["label_map"]))
        load_weights(task, weights, source=Path(config.init))
        return task
    task = _new_task(config, class_bias=TRAINED_CLASS_BIAS)
    rng = np.random.default_rng(config.seed)
    with torch.no_grad():  # in training mode, for batch norm statistics
        task.train().head.outputs(task(_random_batch(config, 1, rng)["image"]))
    for layer in task.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = 1.0
    with torch.no_grad():
        task.head.outputs(task(_random_batch(config, 1, rng)["image"]))
    return task


def loading_rows(config: DictConfig, _: Weights | None) -> Iterator[Row]:
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
        ("paper", augment.paper(size), "ssdlite", 1.5),
        ("strong, no mosaic", augment.strong(size, mosaic=0.0), "ssd", 1.5),
        ("strong", augment.strong(size), "ssd", None),
    ):
        ours = DetectionSet(annotations, augmentation, seed=config.seed)
        theirs = ReferenceSet(annotations, preset=preset, image_size=size)
        seconds = median_seconds(
            {
                "ours": _load(lambda index, epoch, s=ours: s[epoch, index], config, len(ours)),
                "theirs": _load(lambda index, _, s=theirs: s[index], config, len(ours)),
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


def _load(
    load: Callable[[int, int], Any], config: DictConfig, num_photos: int
) -> Callable[[], None]:
    """Loads as many photos as a batch has, going round all of them."""
    supply = count()

    def batch() -> None:
        for _ in range(config.batch_size):
            epoch, index = divmod(next(supply), num_photos)
            load(index, epoch)

    return batch


def scoring_rows(config: DictConfig, _: Weights | None) -> Iterator[Row]:
    """COCO's average precision of random detections, from tensors to figures."""
    rng = np.random.default_rng(config.seed)
    annotations = _random_annotations(config.num_scored, rng)
    records = _random_records(annotations, rng)
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


def _random_annotations(num_photos: int, rng: np.random.Generator) -> Annotations:
    counts = rng.poisson(BOXES_PER_PHOTO, num_photos)
    total = int(counts.sum())
    boxes = _random_boxes(total, PHOTO_SIZE, rng)
    return Annotations(
        image_ids=np.arange(num_photos),
        file_names=np.full(num_photos, "none.jpg"),
        sizes=np.tile(PHOTO_SIZE, (num_photos, 1)),
        boxes=boxes,
        classes=rng.integers(SCORED_CLASSES, size=total),
        crowd=rng.random(total) < 0.01,
        areas=0.6 * (boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        annotation_ids=np.arange(1, total + 1),
        offsets=start_offsets(counts),
        label_map=_numbered_classes(SCORED_CLASSES),
        folder=Path(),
    )


def _random_records(annotations: Annotations, rng: np.random.Generator) -> Records:
    """Fifty detections a photo; one in seven or so is an object, more or less well placed."""
    image = np.repeat(np.arange(len(annotations)), 50)
    boxes = _random_boxes(len(image), PHOTO_SIZE, rng)
    classes = rng.integers(SCORED_CLASSES, size=len(image))
    # the first rows of each photo are its objects, moved a little
    truth_image = annotations.image_of_row()
    rank = np.arange(len(truth_image)) - annotations.offsets[truth_image]
    rows = truth_image * 50 + np.minimum(rank, 49)
    boxes[rows] = annotations.boxes + rng.normal(0, 5, annotations.boxes.shape)
    classes[rows] = annotations.classes
    ids = np.array(annotations.label_map.ids)
    return Records(
        images=torch.arange(len(annotations)),
        image=torch.from_numpy(image),
        boxes_original=torch.from_numpy(boxes),
        scores=torch.from_numpy(rng.random(len(image))),
        category_ids=torch.from_numpy(ids[classes]),
    )


def _random_boxes(
    number: int, size: tuple[int, int], rng: np.random.Generator
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """``xyxy`` boxes of a twentieth to half a photo's side, ``(number, 4)``."""
    sides = rng.uniform(0.05, 0.5, (number, 2)) * size
    start = rng.random((number, 2)) * (size - sides)
    return np.concatenate([start, start + sides], axis=1)


def _random_batch(config: DictConfig, num_labels: int, rng: np.random.Generator) -> dict[str, Any]:
    """What the loader would give, on noise."""
    data = _data(config)
    side = data.image_size
    samples = []
    for index in range(config.batch_size):
        number = rng.poisson(BOXES_PER_PHOTO - 1) + 1
        samples.append(
            {
                "image": rng.integers(0, 256, (side, side, 3), np.uint8),
                "boxes": _random_boxes(number, (side, side), rng).astype(np.float32),
                "labels": rng.integers(num_labels, size=number),
                "id": index,
                "frame": (side, side),
            }
        )
    return data.collate(samples)


def _new_task(
    config: DictConfig, *, label_map: LabelMap | None = None, class_bias: float | None = None
) -> Task:
    config = copy.deepcopy(config)
    if class_bias is not None:
        with open_dict(config):
            config.head.class_bias = class_bias
    torch.manual_seed(config.seed)
    task = build_task(
        config,
        label_map=label_map or _numbered_classes(config.num_classes),
        image_size=_data(config).image_size,
    )
    if not isinstance(task.head, SSDHead):
        raise InputError("tools/bench.py compares SSD heads: leave head= at ssd or ssd_focal")
    return task


def _peer(task: Task) -> nn.Module:
    """torchvision's SSD with a copy of our weights, contiguous as it would have them."""
    assert isinstance(task.head, SSDHead)
    backbone, head = copy.deepcopy((task.backbone, task.head))
    peer: nn.Module = torchvision_ssd(backbone, head, image_size=task.image_size)
    return peer.to(memory_format=torch.contiguous_format)


def _data(config: DictConfig) -> DetectionData:
    data: DetectionData = build(config.data)
    return data


def _numbered_classes(number: int) -> LabelMap:
    return LabelMap(tuple(f"class {i}" for i in range(1, number + 1)), tuple(range(1, number + 1)))


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _precision() -> AbstractContextManager[Any]:
    """What Lightning would compute in."""
    if fastest_precision() == "32-true":
        return nullcontext()
    return torch.autocast(_device().type, dtype=torch.bfloat16, cache_enabled=False)


def _to_device(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _to_device(child, device) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_to_device(child, device) for child in value)
    return value


PARTS: dict[str, Callable[[DictConfig, Weights | None], Iterator[Row]]] = {
    "train": train_rows,
    "predict": predict_rows,
    "loading": loading_rows,
    "scoring": scoring_rows,
}
