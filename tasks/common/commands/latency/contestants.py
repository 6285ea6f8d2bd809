"""What is timed: each looks at the same photos, from the file to what is found in it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from heads.detection.detector import DetectionHead
from tasks.common.data.samples import stacked
from tasks.common.exported.metadata import FILE, read_metadata
from tasks.common.images.crops import centre_crop
from tasks.common.images.decoding import read_image
from tasks.common.networks.folding import fix_weights
from tasks.common.predictions.exported import ExportedNetwork
from tasks.common.predictions.trained import TrainedNetwork
from tasks.common.settings.composing import compose
from tasks.common.settings.writing import written
from tasks.common.training.task import Task

FLOAT = "fp32"


class Contestant(NamedTuple):
    """A network in one of its forms.

    Attributes:
        name: Of the form.
        precision: Of its numbers.
        whole: Looks at photos, from their files to what is found.
        alone: Runs the network on the same photos, which are in memory at its size.
    """

    name: str
    precision: str
    whole: Callable[[], Any]
    alone: Callable[[], Any]


def folders_in(given: Any) -> list[Path]:
    """The exported networks in one folder or several; of ``format=all`` those of each format."""
    named = [given] if isinstance(given, str | int | float) else list(given or [])
    folders = [Path(str(name)) for name in named]
    return [one for folder in folders for one in _exports(folder)]


def _exports(folder: Path) -> Iterator[Path]:
    inner = sorted(path.parent for path in folder.glob(f"*/{FILE}"))
    # one without either is refused where it is read
    yield from [folder] if (folder / FILE).is_file() or not inner else inner


def of_folder(folder: Path, photos: Sequence[Path], *, threads: int) -> Contestant:
    """A network in a file."""
    about = read_metadata(folder)
    config = compose("predict", [f"task={about['task']}", written("exported", folder)])
    config.data.batch_size = len(photos)
    network = ExportedNetwork(folder, config, threads=threads)
    samples = network.described.predict_set(photos)
    image = stacked([samples[0, place] for place in range(len(photos))])["image"]
    return Contestant(
        f"{about['format']} ({folder})",
        str(about.get("precision", FLOAT)),
        lambda: list(network.look_at(photos)),
        lambda: network.run(image),
    )


def of_task(name: str, network: TrainedNetwork, photos: Sequence[Path]) -> Contestant:
    """A network that torch runs, as ``predict.py`` has it."""
    task = network.task.eval()
    fix_weights(task, precision="32-true")
    network.config.data.batch_size = len(photos)
    (batch,) = network.data_here().predict_dataloader(photos)

    @torch.inference_mode()
    def alone() -> Any:
        return task.predictions(batch)

    return Contestant(name, FLOAT, lambda: list(network.look_at(photos)), alone)


def peer_of(task: Task, photos: Sequence[Path]) -> Contestant:
    """A public network of the kind with random weights, as its makers call it.

    Args:
        task: Has the kind, the classes and the size of photos for a classifier.
        photos: The files.
    """
    classes = max(len(task.label_map), 2)
    if isinstance(task.head, DetectionHead):
        return _ssdlite(classes, photos)
    return _mobilenet(classes, task.image_size, photos)


def _ssdlite(classes: int, photos: Sequence[Path]) -> Contestant:
    from torchvision.models.detection import ssdlite320_mobilenet_v3_large

    model = ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=classes + 1
    ).eval()

    @torch.inference_mode()
    def whole() -> Any:
        pixels = [read_image(photo).pixels for photo in photos]
        images = [torch.from_numpy(one).permute(2, 0, 1).float() / 255 for one in pixels]
        return [{key: x.tolist() for key, x in found.items()} for found in model(images)]

    small = [torch.rand(3, 320, 320) for _ in photos]

    @torch.inference_mode()
    def alone() -> Any:
        return model(small)

    return Contestant("torchvision ssdlite320_mobilenet_v3_large", FLOAT, whole, alone)


def _mobilenet(classes: int, side: int, photos: Sequence[Path]) -> Contestant:
    import timm

    model = timm.create_model("mobilenetv1_100", pretrained=False, num_classes=classes).eval()

    def ready(pixels: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1

    @torch.inference_mode()
    def whole() -> Any:
        image = ready([centre_crop(photo, side).image for photo in photos])
        return model(image).softmax(1).topk(min(5, classes))

    image = torch.rand(len(photos), 3, side, side)

    @torch.inference_mode()
    def alone() -> Any:
        return model(image)

    return Contestant("timm mobilenetv1_100", FLOAT, whole, alone)


def drawn_photo(folder: Path) -> Path:
    """A photo of 640 by 480 pixels, coloured clouds, the same every time."""
    import cv2

    coarse = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    clouds = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "photo.jpg"), clouds)
    return folder / "photo.jpg"
