"""torchvision's VGG16, imported, computes what torchvision's does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn
from torchvision.models import alexnet, vgg16

from backbone.errors import InputError
from backbone.loading import load_tensors
from backbone.vgg import DEVIATION, MEAN, VGG16
from backbone.weights import read_weights
from heads.classification import ClassificationHead
from tasks.common.commands.import_weights import import_weights
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.loading import load_weights
from tasks.common.networks.settling import settled
from tasks.common.settings.configs import CONFIGS

NUM_CLASSES = 7


def converted(state: dict[str, torch.Tensor], folder: Path) -> Path:
    source, output = folder / "net.pth", folder / "ours.safetensors"
    torch.save(state, source)
    settings = {"source": str(source), "output": str(output), "labels": None, "overwrite": False}
    import_weights(OmegaConf.create(settings))
    return output


@pytest.fixture(scope="module")
def theirs() -> nn.Module:
    torch.manual_seed(0)
    return vgg16(num_classes=NUM_CLASSES).eval()


@pytest.fixture(scope="module")
def imported(theirs: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return converted(theirs.state_dict(), tmp_path_factory.mktemp("vgg"))


@pytest.fixture
def _composing() -> Iterator[None]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


@torch.no_grad()
def test_outputs_equal_torchvisions(theirs: nn.Module, imported: Path) -> None:
    backbone = VGG16()
    head = ClassificationHead(in_channels=backbone.out_channels, num_classes=NUM_CLASSES)
    ours = nn.ModuleDict({"backbone": backbone, "head": head}).eval()
    weights = read_weights(imported)
    assert weights.description["image_size"] == 224
    assert load_tensors(ours, weights.tensors).started_anew == []
    photo = torch.rand(2, 3, 64, 96)
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, DEVIATION))
    expected = theirs((photo - mean) / deviation)
    found = head.outputs(backbone(photo * 2 - 1))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.usefixtures("_composing")
@pytest.mark.parametrize("backbone", ["vgg16", "vgg16_deeplab"])
def test_one_file_serves_both_variants(imported: Path, backbone: str) -> None:
    weights = Checkpoint.read(imported)
    config = compose("train", overrides=["task=ssd_coco", f"backbone={backbone}", "run_dir=run"])
    config = settled(config, weights)
    task = build_task(config, label_map=LabelMap(("fig",), (1,)), image_size=64)
    report = load_weights(task, weights)
    assert not [name for name in report.started_anew if name[:9] == "backbone."]
    state = task.state_dict()
    assert all(torch.equal(state[name], weights.tensors[name]) for name in report.loaded)


def test_other_networks_of_torchvision_are_refused(tmp_path: Path) -> None:
    state = alexnet(num_classes=2).state_dict()
    with pytest.raises(InputError, match=r"net\.pth: not one(.*\n)*.*torchvision's vgg16"):
        converted(state, tmp_path)


def test_weights_of_other_classes_than_imagenets_do_not_say_where_they_are_from(
    imported: Path, theirs: nn.Module, tmp_path: Path
) -> None:
    assert read_weights(imported).description["trained_on"] == ["unknown"]
    state = {
        name: value for name, value in theirs.state_dict().items() if "classifier.6" not in name
    }
    assert read_weights(converted(state, tmp_path)).description["trained_on"] == ["imagenet"]
