"""The speed of training steps and predictions, beside torchvision's SSD or FasterRCNN class."""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor, nn
from torchvision.transforms.functional import to_tensor

from backbone.errors import InputError
from heads.faster_rcnn import FasterRCNNHead
from heads.faster_rcnn_fpn import PyramidRCNNHead
from heads.ssd import SSDHead
from tasks.common.data.labels import LabelMap
from tasks.common.machine.computing import Computing
from tasks.common.machine.hardware import fastest_precision, prediction_precisions
from tasks.common.machine.timing import Row, median_seconds, speed_row
from tasks.common.networks.building import build_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.folding import fix_weights
from tasks.common.networks.loading import load_weights
from tasks.common.settings.targets import build
from tasks.common.training.step import training_step
from tasks.common.training.task import Task
from tasks.detection.augmentation import recipes
from tasks.detection.bench.made_up import PHOTO_SIZE, numbered_classes, random_samples
from tasks.detection.bench.torchvision_one_stage import as_targets, torchvision_ssd
from tasks.detection.bench.torchvision_two_stage import torchvision_faster_rcnn
from tasks.detection.data import DetectionData
from tasks.detection.demo.scenes import draw_scene
from tasks.detection.records import DetectionRecords


class Peer(NamedTuple):
    """What heads are compared with.

    Attributes:
        heads: Their names.
        make: Builds torchvision's counterpart of a backbone and a head.
        training: How many times as fast as it our training steps are to be.
        tuned: The same where it has our precision and memory format; None where no goal is set.
        trained: The same for predictions of a trained network.
        untrained: The same for predictions of random weights.
        class_bias: With it the peer has as many candidates on a photo as with trained weights: SSD
            24,000 after its cap of 400 a class, and 27,000 with the released detector's; a few
            hundred where background is a class that a crop is mostly of.
    """

    heads: Sequence[str]
    make: Callable[..., nn.Module]
    training: float
    tuned: float | None
    trained: float
    untrained: float
    class_bias: float


PEERS = (
    Peer(
        [SSDHead.name],
        torchvision_ssd,
        training=2.2,
        tuned=1.1,
        trained=2.0,
        untrained=4.0,
        class_bias=-4.0,
    ),
    Peer(
        [FasterRCNNHead.name, PyramidRCNNHead.name],
        torchvision_faster_rcnn,
        training=1.5,
        tuned=None,
        trained=1.5,
        untrained=1.5,
        class_bias=-3.7,
    ),
)


def train_rows(config: DictConfig, _: Checkpoint | None) -> Iterator[Row]:
    """A training step, against torchvision's class as it is and with the same advantages."""
    task, device = _new_task(config).to(_device()).train(), _device()
    plain, tuned = (_peer(task).train() for _ in range(2))
    tuned.to(memory_format=torch.channels_last)
    batch = _random_batch(config, len(task.label_map))
    fast = Computing(device, fastest_precision())
    targets, batch = fast.move(as_targets(batch)), fast.move(batch)

    def our_loss() -> Tensor:
        with fast.autocast():
            loss = _total(task.head.loss(task(batch["image"]), batch))
        assert torch.isfinite(loss)  # looked at in training, too
        return loss

    def plain_loss() -> Tensor:
        return _total(plain(*targets))

    def tuned_loss() -> Tensor:
        with fast.autocast():
            return _total(tuned(*targets))

    seconds = median_seconds(
        {
            "ours": training_step(our_loss, task, config.optim),
            "plain": training_step(plain_loss, plain, config.optim),
            "tuned": training_step(tuned_loss, tuned, config.optim),
        },
        seconds=config.seconds,
    )
    size, settings, kind = config.batch_size, task.backbone.settings, _kind(task)
    network = f"width {settings['width']:g}" if "width" in settings else task.backbone.name
    for peer, goal, how in (
        ("plain", kind.training, "as it comes: float32, contiguous"),
        ("tuned", kind.tuned, f"in channels_last and {fastest_precision()}, as ours"),
    ):
        yield speed_row(
            "training step",
            ours=seconds["ours"],
            peer=seconds[peer],
            unit="images/s",
            count=size,
            goal=goal,
            note=f"batch {size}, {network}; peer {how}",
        )


def _total(losses: Mapping[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def predict_rows(config: DictConfig, weights: Checkpoint | None) -> Iterator[Row]:
    """A decoded photo to boxes in its own coordinates, one at a time."""
    width, height = PHOTO_SIZE
    photo = draw_scene(np.random.default_rng(config.seed), max(PHOTO_SIZE))[0][:height, :width]
    photo = np.ascontiguousarray(photo)
    trained = _trained_task(config, weights)
    untrained = _settled(_new_task(config), config, class_bias=0.0)
    how = Path(config.init).name if weights else f"class bias {_kind(trained).class_bias:g}"
    rows = [
        (trained, "trained", how, _kind(trained).trained),
        (untrained, "random weights", "all pass the threshold", _kind(untrained).untrained),
    ]
    for precision, (task, what, how, goal) in itertools.product(prediction_precisions(), rows):
        yield _predict_row(config, task, photo, what=what, precision=precision, how=how, goal=goal)


def _predict_row(
    config: DictConfig,
    task: Task,
    photo: np.ndarray,
    *,
    what: str,
    precision: str,
    how: str,
    goal: float,
) -> Row:
    device, data = _device(), _data(config)
    computing = Computing(device, precision)
    peer = _peer(task.to(device)).eval()
    task = copy.deepcopy(task).eval()  # the peer has the same layers
    fix_weights(task, precision=precision)
    show = recipes.plain(data.image_size)
    raw = {
        "image": photo,
        "boxes": np.zeros((0, 4), np.float32),
        "labels": np.zeros(0, np.int64),
        "id": 0,
        "size": photo.shape[1::-1],
    }

    def ours() -> DetectionRecords:
        sample = show(lambda _: dict(raw), 0, np.random.default_rng(0), num_images=1)
        batch = computing.move(data.collate([sample]))
        with torch.inference_mode(), computing.autocast():
            records: DetectionRecords = task.predict(batch)
        return records

    def theirs() -> dict[str, Tensor]:
        with torch.no_grad():
            result: dict[str, Tensor] = peer([to_tensor(photo).to(device)])[0]
        return result

    seconds = median_seconds({"ours": ours, "theirs": theirs}, seconds=config.seconds)
    found = f"{len(ours().scores)} and {len(theirs()['scores'])} detections"
    return speed_row(
        f"predict, {what}",
        ours=seconds["ours"],
        peer=seconds["theirs"],
        unit="ms",
        goal=goal,
        note=f"batch 1, {photo.shape[1]}x{photo.shape[0]} pixels, {precision}; {how}; {found}",
    )


def _trained_task(config: DictConfig, weights: Checkpoint | None) -> Task:
    """The network of ``init=``, or one whose scores are as sparse as a trained one's."""
    if weights is None:
        task = _new_task(config)
        return _settled(task, config, class_bias=_kind(task).class_bias)
    if "label_map" not in weights.description:
        raise InputError(
            f"init={config.init} holds a backbone without a head, which detects nothing"
        )
    task = _new_task(config, label_map=LabelMap.from_dict(weights.description["label_map"]))
    load_weights(task, weights)
    return task


def _settled(task: Task, config: DictConfig, *, class_bias: float) -> Task:
    """Gives batch norm the statistics of noise, without which all scores would be alike.

    Args:
        task: New.
        config: Says what the noise is to be like.
        class_bias: Bias of the classes against background.
    """
    head: Any = task.head
    predictors: Any = head.class_layers if isinstance(head, SSDHead) else [head.class_layer]
    for layer in predictors:
        layer.bias.detach().view(-1, head.num_classes)[:, 1:] = class_bias
    for layer in task.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    batch = _random_batch(config, num_labels=1)
    with torch.no_grad():
        head.outputs(task.train()(batch["image"]))
    return task


def _random_batch(config: DictConfig, num_labels: int) -> dict[str, Any]:
    data, rng = _data(config), np.random.default_rng(config.seed)
    return data.collate(
        random_samples(config.batch_size, side=data.image_size, num_labels=num_labels, rng=rng)
    )


def _new_task(config: DictConfig, *, label_map: LabelMap | None = None) -> Task:
    torch.manual_seed(config.seed)
    task = build_task(
        config,
        label_map=label_map or numbered_classes(config.num_classes),
        image_size=_data(config).image_size,
    )
    _kind(task)
    return task


def _kind(task: Task) -> Peer:
    for peer in PEERS:
        if task.head.name in peer.heads:
            return peer
    raise InputError(
        f"tools/bench.py has nothing to compare the head {task.head.name} with; it has for "
        f"{', '.join(name for peer in PEERS for name in peer.heads)}"
    )


def _peer(task: Task) -> nn.Module:
    return _kind(task).make(task.backbone, task.head, image_size=task.image_size)


def _data(config: DictConfig) -> DetectionData:
    data: DetectionData = build(config.data)
    return data


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
