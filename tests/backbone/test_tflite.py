"""TFLite files are read as the interpreter computes them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backbone.errors import InputError
from backbone.layers import same_padding
from backbone.tflite import Convolution, TFLiteModel, read_tflite

pytest.importorskip("ai_edge_litert")
from tests.backbone.tflite_files import IMAGE, SIX, TFLiteFile, run_interpreter

SIDE = 9
STRIDES = (2, 1, 1)


def write(path: Path, kind: Any = np.float32) -> Path:
    """A 3x3 convolution, a depthwise and a pointwise one."""
    torch.manual_seed(0)
    file = TFLiteFile(SIDE, kind)
    stem = file.conv(file.image, torch.randn(8, 3, 3, 3) / 3, torch.rand(8), stride=STRIDES[0])
    weight = torch.randn(8, 1, 3, 3) * torch.linspace(0.2, 1, 8)[:, None, None, None]
    middle = file.conv(stem, weight, torch.rand(8), depthwise=True)
    file.conv(middle, torch.randn(5, 8, 1, 1) / 2, torch.rand(5))
    return file.save(path)


def run(convolutions: list[Convolution], image: Tensor) -> Tensor:
    for layer, stride in zip(convolutions, STRIDES, strict=True):
        pads = [same_padding(side, layer.weight.shape[-1], stride) for side in image.shape[:1:-1]]
        groups = len(layer.weight) if layer.depthwise else 1
        image = F.pad(image, (*pads[0], *pads[1]))
        image = F.conv2d(image, layer.weight, layer.bias, stride, groups=groups).clamp(0, 6)
    return image


@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [(np.float32, 1e-5), (np.uint8, 2.5 * SIX), (np.int8, 2.5 * SIX)],
    ids=["float", "a scale a tensor", "a scale a channel"],
)
def test_convolutions_compute_what_the_file_does(
    tmp_path: Path, kind: Any, tolerance: float
) -> None:
    path = write(tmp_path / "net.tflite", kind)
    model = read_tflite(path)
    image = torch.randint(-127, 127, (1, 3, SIDE, SIDE)) * IMAGE
    (expected,) = run_interpreter(path, image)
    found = run(model.convolutions, image)
    assert found.std() > 0.5
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


def test_a_file_is_described(tmp_path: Path) -> None:
    model = read_tflite(write(tmp_path / "net.tflite"))
    assert isinstance(model, TFLiteModel) and model.image_size == SIDE
    layers = model.convolutions
    assert [layer.depthwise for layer in layers] == [False, True, False]
    shapes = [tuple(layer.weight.shape) for layer in layers]
    assert shapes == [(8, 3, 3, 3), (8, 1, 3, 3), (5, 8, 1, 1)]
    assert [layer.source for layer in layers[1:]] == [layer.target for layer in layers[:-1]]


@pytest.mark.parametrize(
    "content", [b"", b"<html>not found</html>", b"\0\0\0\0TFL3" + bytes(100), "truncated"]
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "net.tflite"
    if isinstance(content, str):
        content = write(path).read_bytes()[:300]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"net\.tflite: not a TFLite model"):
        read_tflite(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"net\.tflite: no such file"):
        read_tflite(tmp_path / "net.tflite")


def test_a_file_that_the_interpreter_cannot_run_is_refused(tmp_path: Path) -> None:
    file = TFLiteFile(SIDE)
    file.conv(file.image, torch.randn(8, 3, 3, 3), None)
    with pytest.raises(InputError, match=r"bare\.tflite: not a TFLite model that runs .*bias"):
        read_tflite(file.save(tmp_path / "bare.tflite"))


def test_the_missing_reader_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "net.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(InputError, match=r"\.\[import\]"):
        read_tflite(path)
