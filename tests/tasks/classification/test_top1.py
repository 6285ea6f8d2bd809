"""The check of imported classifiers on photos that are named by its own answers."""

from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from backbone.weights import Weights, save_weights
from tasks.classification.top1 import Classifier, centre_crop, top1
from tasks.common.task import normalised

SIDE = 64


@pytest.fixture
def weights_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = Classifier(MobileNet(width=0.25), num_classes=10)
    description = {
        "backbone": {"name": "mobilenet", **network.backbone.settings},
        "head": {"name": "classification"},
        "image_size": SIDE,
        "label_map": {"names": list("abcdefghij"), "ids": list(range(10))},
        "batch_norm_folded": False,
    }
    path = tmp_path / "w.safetensors"
    save_weights(path, Weights(network.state_dict(), description))
    return path


@pytest.fixture
def answer(weights_file: Path, tmp_path: Path) -> int:
    """The class that the network gives to the one photo, ``photo.png``."""
    pixels = np.random.default_rng(0).integers(0, 255, (80, 100, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    torch.manual_seed(0)
    network = Classifier(MobileNet(width=0.25), num_classes=10).eval()
    image = torch.from_numpy(centre_crop(tmp_path / "photo.png", SIDE))[None].permute(0, 3, 1, 2)
    with torch.no_grad():
        return int(network.head.predict(network.backbone(normalised(image)), {}).argmax())


@pytest.mark.parametrize(("shift", "accuracy"), [(0, 1.0), (1, 0.0)])
def test_names_that_are_right_or_wrong(
    weights_file: Path, answer: int, tmp_path: Path, shift: int, accuracy: float
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "photo.png").rename(photos / f"{(answer + shift) % 10:03d}_thing.png")
    config = OmegaConf.create({"init": str(weights_file), "input": str(photos)})
    assert top1(config) == (accuracy, 1)


def test_a_name_without_a_number_is_refused(
    weights_file: Path, answer: int, tmp_path: Path
) -> None:
    config = OmegaConf.create({"init": str(weights_file), "input": str(tmp_path / "photo.png")})
    with pytest.raises(InputError, match=r"photo\.png"):
        top1(config)


def test_the_crop_is_the_middle(tmp_path: Path) -> None:
    pixels = np.zeros((256, 512, 3), np.uint8)
    pixels[:, 144:368] = 255  # the 224 columns that a crop of 224 shows
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert (centre_crop(tmp_path / "wide.png", 224) == 255).all()
