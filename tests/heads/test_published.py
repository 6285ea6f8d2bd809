"""TFLite files, imported, compute what the interpreter does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from backbone.errors import InputError
from backbone.mobilenet import BLOCKS

pytest.importorskip("ai_edge_litert")
from heads.published import import_published
from tests.backbone.tflite_files import TFLiteFile, run_interpreter
from tests.heads.networks import Network, from_weights

SIDE = 48
CHANNELS = [8, *(channels // 8 for channels, _ in BLOCKS)]  # width 0.125
LABELS = ["???", "cup", "N/A", "hat", "owl"]  # numbers 0 and 2 are not used
ANCHORS = (3, 6, 6, 6, 6, 6)


class Writer:
    """Adds random layers to a file, so that activations neither die nor saturate."""

    def __init__(self, file: TFLiteFile) -> None:
        self.file = file

    def conv(self, source: int, channels: int, kernel: int = 1, **options: object) -> int:
        before = self.file.tensors[source].shape[-1]
        fan_in = (1 if options.get("depthwise") else before) * kernel**2
        shape = (channels, fan_in // kernel**2, kernel, kernel)
        weight = torch.randn(shape) * (2 / fan_in) ** 0.5
        return self.file.conv(source, weight, torch.randn(channels) / 4 + 0.1, **options)

    def body(self, source: int, blocks: slice = slice(None)) -> list[int]:
        """The separable blocks; the outputs of all."""
        outputs = []
        for channels, (_, stride) in list(zip(CHANNELS[1:], BLOCKS, strict=True))[blocks]:
            before = self.file.tensors[source].shape[-1]
            middle = self.conv(source, before, 3, stride=stride, depthwise=True)
            source = self.conv(middle, channels)
            outputs.append(source)
        return outputs


def write_classifier(path: Path, *, num_classes: int = 6, kind: type = np.float32) -> Path:
    torch.manual_seed(0)
    writer = Writer(TFLiteFile(SIDE, kind))
    stem = writer.conv(writer.file.image, CHANNELS[0], 3, stride=2)
    c5 = writer.body(stem)[-1]
    # the released files pool first; without pooling the interpreter's output is one a place
    writer.conv(c5, num_classes, relu6=False)
    writer.file.outputs = [c5, writer.file.operators[-1].outputs[0]]
    return writer.file.save(path)


def write_ssd(path: Path, *, num_classes: int, reverse: bool = False) -> Path:
    torch.manual_seed(0)
    writer = Writer(TFLiteFile(SIDE))
    stem = writer.conv(writer.file.image, CHANNELS[0], 3, stride=2)
    blocks = writer.body(stem)
    maps = [blocks[10], blocks[12]]
    for channels in (64, 32, 32, 16):
        maps.append(writer.conv(writer.conv(maps[-1], channels // 2), channels, 3, stride=2))
    outputs = []
    for source, anchors in zip(maps, ANCHORS, strict=True):
        for values in (4, num_classes):
            outputs.append((source, values * anchors))
    layers = [
        writer.conv(source, size, relu6=False)
        for source, size in (reversed(outputs) if reverse else outputs)
    ]
    writer.file.outputs = layers[::-1] if reverse else layers
    return writer.file.save(path)


def test_a_classifier_computes_what_its_file_does(tmp_path: Path) -> None:
    path = write_classifier(tmp_path / "net.tflite")
    weights = import_published([path], names=["background", *"abcde"])
    assert weights.description["label_map"] == {"names": list("abcde"), "ids": [0, 1, 2, 3, 4]}
    assert weights.description["trained_on"] == ["unknown"]  # these are not ImageNet's classes
    assert weights.description["image_size"] == SIDE
    assert weights.description["backbone"] == {
        "name": "mobilenet", "width": 0.125, "same_padding": True, "relu6": True,
    }  # fmt: skip
    network = from_weights(weights)
    image = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    c5, logits = run_interpreter(path, image)
    features = network.backbone(image)
    assert c5.std() > 0.1
    torch.testing.assert_close(features["c5"], c5, atol=1e-4, rtol=1e-4)
    expected = logits.mean((2, 3))[:, 1:]  # background is left out
    torch.testing.assert_close(network.head.outputs(features), expected, atol=1e-4, rtol=1e-4)


def test_a_network_has_learned_from_the_data_sets_of_its_classes(tmp_path: Path) -> None:
    classifier = write_classifier(tmp_path / "classifier.tflite", num_classes=1001)
    assert import_published([classifier]).description["trained_on"] == ["imagenet"]
    detector = write_ssd(tmp_path / "ssd.tflite", num_classes=91)
    assert import_published([detector]).description["trained_on"] == ["imagenet", "coco"]
    names = ["background", *(f"thing {number}" for number in range(90))]
    assert import_published([detector], names=names).description["trained_on"] == ["unknown"]


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_integer_weights_are_those_of_the_float_file(tmp_path: Path, kind: type) -> None:
    exact = import_published([write_classifier(tmp_path / "a.tflite")])
    rounded = import_published([write_classifier(tmp_path / "b.tflite", kind=kind)])
    assert exact.tensors.keys() == rounded.tensors.keys()
    for name, tensor in exact.tensors.items():
        # half a step; a bias is kept in steps of an activation's times a weight's
        step = tensor.abs().max() / 125 if name.endswith("weight") else 1e-2
        assert (rounded.tensors[name] - tensor).abs().max() <= step / 2 + 1e-6, name


def by_anchor(outputs: list[Tensor], num_values: int) -> Tensor:
    """``(1, anchors * values, H, W)`` of each map to ``(1, A, values)``."""
    return torch.cat(
        [output.permute(0, 2, 3, 1).reshape(1, -1, num_values) for output in outputs], dim=1
    )


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "maps and layers reversed"])
def test_ssd_computes_what_its_file_does(tmp_path: Path, reverse: bool) -> None:
    path = write_ssd(tmp_path / "ssd.tflite", num_classes=len(LABELS), reverse=reverse)
    weights = import_published([path], names=LABELS)
    assert weights.description["label_map"] == {"names": ["cup", "hat", "owl"], "ids": [1, 3, 4]}
    assert weights.description["head"] == {"name": "ssd", "activation": "sigmoid"}
    check_ssd(from_weights(weights), path, num_classes=len(LABELS), rows=[0, 1, 3, 4])


@pytest.mark.parametrize("num_objects", [1, 2, 3])
def test_detectors_of_few_classes_are_told_from_boxes(tmp_path: Path, num_objects: int) -> None:
    names = ["background", "cup", "hat", "owl"][: num_objects + 1]
    path = write_ssd(tmp_path / "ssd.tflite", num_classes=num_objects + 1)
    network = from_weights(import_published([path], names=names))
    check_ssd(network, path, num_classes=num_objects + 1, rows=list(range(num_objects + 1)))


def check_ssd(network: Network, path: Path, *, num_classes: int, rows: list[int]) -> None:
    image = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    outputs = run_interpreter(path, image)
    y, x, height, width = by_anchor(outputs[::2], 4).unbind(-1)
    found = network.head.outputs(network.backbone(image))
    expected = torch.stack([x, y, width, height], dim=-1)
    assert expected.std() > 0.1
    torch.testing.assert_close(found.boxes, expected, atol=1e-4, rtol=1e-4)
    expected = by_anchor(outputs[1::2], num_classes)[..., rows]
    torch.testing.assert_close(found.logits, expected, atol=1e-4, rtol=1e-4)


def test_a_network_in_two_files_joins(tmp_path: Path) -> None:
    whole = import_published([write_classifier(tmp_path / "whole.tflite")])
    torch.manual_seed(0)
    first = Writer(TFLiteFile(SIDE))
    stem = first.conv(first.file.image, CHANNELS[0], 3, stride=2)
    first.body(stem, slice(0, 7))
    second = Writer(TFLiteFile(1))
    second.file.tensors[second.file.image].shape = [1, 3, 3, CHANNELS[7]]
    c5 = second.body(second.file.image, slice(7, None))[-1]
    second.conv(c5, 6, relu6=False)
    paths = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    halves = [file.save(path) for file, path in zip((first.file, second.file), paths, strict=True)]

    joined = import_published(halves)
    assert joined.description["sources"] == ["a.tflite", "b.tflite"]
    assert joined.description["image_size"] == SIDE
    assert joined.tensors.keys() == whole.tensors.keys()
    assert all(torch.equal(joined.tensors[name], whole.tensors[name]) for name in whole.tensors)
    turned = import_published(halves[::-1])
    assert all(torch.equal(turned.tensors[name], whole.tensors[name]) for name in whole.tensors)
    for wrong, message in (
        (halves[:1], "several files"),
        (halves[:1] * 2, "MobileNet v1 of TensorFlow"),
    ):
        with pytest.raises(InputError, match=message):
            import_published(wrong)


def test_a_body_alone_has_no_head(tmp_path: Path) -> None:
    writer = Writer(TFLiteFile(SIDE))
    writer.body(writer.conv(writer.file.image, CHANNELS[0], 3, stride=2))
    weights = import_published([writer.file.save(tmp_path / "body.tflite")])
    assert "head" not in weights.description
    assert all(name.startswith("backbone.") for name in weights.tensors)


def test_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    ssd = write_ssd(tmp_path / "ssd.tflite", num_classes=len(LABELS))
    with pytest.raises(InputError, match="5 classes apart, background included, and there are 4"):
        import_published([ssd], names=LABELS[:-1])
    classifier = write_classifier(tmp_path / "net.tflite", num_classes=6)
    with pytest.raises(InputError, match="5 classes apart, and there are 4 names"):
        import_published([classifier], names=LABELS)
    with pytest.raises(InputError, match="5 classes apart, background included"):
        import_published([ssd])  # COCO has 91


@pytest.mark.parametrize("num_extras", [2, 8])
def test_other_detectors_are_refused(tmp_path: Path, num_extras: int) -> None:
    writer = Writer(TFLiteFile(SIDE))
    source = writer.body(writer.conv(writer.file.image, CHANNELS[0], 3, stride=2))[-1]
    for _ in range(num_extras):
        source = writer.conv(source, 16)
    for _ in range(12):  # all on one map
        writer.conv(source, 24)
    path = writer.file.save(tmp_path / "net.tflite")
    with pytest.raises(InputError, match="SSD-MobileNet v1 of TensorFlow"):
        import_published([path])
