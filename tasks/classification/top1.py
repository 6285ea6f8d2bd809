"""Top-1 accuracy of imported ImageNet weights on photos named after their class."""

import re
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from PIL import Image
from torch import nn

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from backbone.weights import load_tensors, read_weights
from heads.classification import ClassificationHead
from tasks.common.images import find_images, read_image
from tasks.common.task import normalised

CENTRE = 224 / 256  # share of the short side that the crop shows, as ImageNet is scored


class Classifier(nn.Module):
    """A backbone with a classification head."""

    def __init__(self, backbone: MobileNet, num_classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = ClassificationHead(in_channels=backbone.out_channels, num_classes=num_classes)


@torch.inference_mode()
def top1(config: DictConfig) -> tuple[float, int]:
    """Scores a weights file on photos whose names start with the number of their class.

    Args:
        config: The composed ``configs/check_classifier.yaml``.

    Returns:
        The share of photos whose best class is theirs, and how many there are.

    Raises:
        InputError: If the file holds no classifier, or a name no number.
    """
    source = Path(str(config.init))
    weights = read_weights(source)
    description = weights.description
    if description.get("head", {}).get("name") != "classification":
        raise InputError(f"{source} holds no classifier")
    settings = {key: value for key, value in description["backbone"].items() if key != "name"}
    network = Classifier(MobileNet(**settings), len(description["label_map"]["names"])).eval()
    report = load_tensors(network, weights.tensors)
    if report.started_anew:
        raise InputError(f"{source} lacks {', '.join(report.started_anew[:3])}")
    paths = find_images(config.input)
    right = 0
    for path in paths:
        number = re.match(r"\d+", path.name)
        if number is None:
            raise InputError(f"{path}: the name must start with the number of the class")
        image = torch.from_numpy(centre_crop(path, description["image_size"]))[None]
        features = network.backbone(normalised(image.permute(0, 3, 1, 2)))
        right += int(network.head.predict(features, {}).argmax()) == int(number[0])
    return right / len(paths), len(paths)


def centre_crop(path: Path, side: int) -> np.ndarray:
    """The middle of a photo, ``(side, side, 3)``, after its short side is scaled to 8/7 of it."""
    pixels, (width, height) = read_image(path)
    scale = side / CENTRE / min(width, height)
    size = max(round(width * scale), side), max(round(height * scale), side)
    # Pillow's filter widens as it shrinks, as in most published evaluations
    photo = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.array(photo.crop((left, top, left + side, top + side)))
