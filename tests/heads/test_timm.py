"""timm's MobileNet v1, imported, computes what timm's does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from backbone.errors import InputError
from heads.published import import_published
from tests.heads.networks import from_weights

NUM_CLASSES = 7
IMAGES = (2, 3, 64, 64)


def random_timm(name: str) -> nn.Module:
    """Random throughout: weights, and batch norm's statistics, scales and shifts."""
    torch.manual_seed(0)
    network = timm.create_model(name, pretrained=False, num_classes=NUM_CLASSES)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.3, 2)
        nn.init.normal_(norm.bias, std=0.5)
        norm.momentum = None  # keeps the average over all batches
    network.train()(torch.randn(IMAGES))  # statistics that fit, lest all activations die out
    for norm in norms:
        norm.running_mean += torch.randn_like(norm.running_mean) * norm.running_var.sqrt() / 4
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.5, 2)
        norm.running_var[0] = 1e-6  # where the two epsilons differ most
    # 27 layers that were never trained multiply the rounding of float32
    return network.eval().double()


SAVE: dict[str, Callable[[Any, Path], None]] = {
    ".pth": torch.save,
    ".bin": torch.save,
    ".safetensors": lambda state, path: save_file(state, path),
}


@pytest.mark.parametrize(
    ("name", "suffix", "width"),
    [
        ("mobilenetv1_100", ".pth", 1.0),
        ("mobilenetv1_100", ".safetensors", 1.0),
        ("mobilenetv1_125", ".bin", 1.25),
    ],
)
@torch.no_grad()
def test_outputs_equal_timms(tmp_path: Path, name: str, suffix: str, width: float) -> None:
    theirs = random_timm(name)
    path = tmp_path / f"net{suffix}"
    SAVE[suffix](theirs.state_dict(), path)
    weights = import_published([path])
    assert weights.description["backbone"] == {
        "name": "mobilenet", "width": width, "same_padding": False, "relu6": True,
    }  # fmt: skip
    assert not weights.description["batch_norm_folded"]

    ours = from_weights(weights, dtype=torch.float64)
    image = torch.randn(IMAGES, dtype=torch.float64)
    features = ours.backbone(image)
    assert_close(features["c5"], theirs.forward_features(image))
    assert_close(ours.head.outputs(features), theirs(image))


@torch.no_grad()
def test_every_feature_equals_timms(tmp_path: Path) -> None:
    theirs = random_timm("mobilenetv1_100")
    torch.save(theirs.state_dict(), tmp_path / "net.pth")
    weights = import_published([tmp_path / "net.pth"])
    ours = from_weights(weights, dtype=torch.float64)
    image = torch.randn(1, 3, 47, 80, dtype=torch.float64)
    x = theirs.bn1(theirs.conv_stem(image))
    expected = {}
    for key, stage in zip(("c1", "c2", "c3", "c4", "c5"), theirs.blocks, strict=True):
        x = expected[key] = stage(x)
    for key, feature in ours.backbone(image).items():
        assert_close(feature, expected[key])


def assert_close(found: Tensor, expected: Tensor) -> None:
    assert expected.std() > 1e-2
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)


def test_names_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save(random_timm("mobilenetv1_100").state_dict(), path)
    names = [f"breed {number}" for number in range(NUM_CLASSES)]
    assert import_published([path], names=names).description["label_map"]["names"] == names
    with pytest.raises(InputError, match=r"7 classes.* 6 names"):
        import_published([path], names=names[:-1])


@pytest.mark.parametrize(
    "name",
    ["mobilenetv1_100h", "mobilenetv2_050", "resnet10t", "vit_tiny_patch16_224", "mobilevitv2_050"],
)
def test_other_networks_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "net.pth"
    torch.save(timm.create_model(name, pretrained=False).state_dict(), path)
    with pytest.raises(InputError, match="state dict of timm's mobilenetv1"):
        import_published([path])


def test_an_incomplete_state_dict_is_refused(tmp_path: Path) -> None:
    state = random_timm("mobilenetv1_100").state_dict()
    del state["blocks.2.1.bn2.running_var"]
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(InputError, match=r"blocks\.2\.1\.bn2\.running_var"):
        import_published([tmp_path / "net.pth"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.pth", [torch.zeros(1)], "not a state dict"),
        ("net.pth", {3: torch.zeros(1)}, "not a state dict"),
        ("net.pth", b"", "is empty"),
        ("net.pth", b"<html>", "cannot be read"),
        ("net.pth", Path("a Python object"), "cannot be read"),
        ("net.safetensors", b"", "damaged"),
        ("net.safetensors", b"\x08\0\0\0\0\0\0\0{}      ", "known"),
        ("net.pth", None, "no such file"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, name: str, content: Any, message: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError, match=message):
        import_published([path])


@pytest.mark.parametrize("sources", [[], ["a.pth", "b.pth"], ["a.tflite", "b.pth"]])
def test_sources_that_make_no_sense_are_refused(sources: list[str]) -> None:
    with pytest.raises(InputError, match="source"):
        import_published([Path(source) for source in sources])
