"""ONNX networks in the forms that public teachers have, each with the same answer."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.distillation.onnx_teacher import OnnxTeacher
from tasks.common.distillation.photo_network import PhotoNetwork

SIDE, DIMENSION = 16, 5
PHOTOS = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)).mul(255).round()
RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(4, 3, 8, 8)).astype(np.float32) / 255
ROWS = RNG.normal(size=(DIMENSION, 4, 1, 1)).astype(np.float32)


def expected(photos: torch.Tensor) -> torch.Tensor:
    found = torch.nn.functional.conv2d(photos, torch.from_numpy(KERNEL), stride=8).relu()
    return torch.einsum("bc,dc->bd", found.mean((2, 3)), torch.from_numpy(ROWS)[..., 0, 0])


def write(
    path: Path,
    shape: list[Any] = ["N", 3, SIDE, SIDE],  # noqa: B006
    *,
    kind: int = TensorProto.FLOAT,
    outputs: tuple[str, ...] = ("row",),
    switch: bool = False,
) -> Path:
    nodes = [helper.make_node("Cast", ["photos"], ["numbers"], to=TensorProto.FLOAT)]
    permutation = [0, 3, 1, 2] if shape[-1] == 3 else [0, 1, 2, 3]
    nodes += [
        helper.make_node("Transpose", ["numbers"], ["planes"], perm=permutation),
        helper.make_node("Conv", ["planes", "kernel"], ["raw"], strides=[8, 8]),
        helper.make_node("Relu", ["raw"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
        helper.make_node("Conv", ["pooled", "rows"], ["high"]),
        helper.make_node("Flatten", ["high"], ["row"]),
    ]
    inputs = [helper.make_tensor_value_info("photos", kind, shape)]
    if switch:
        inputs.append(helper.make_tensor_value_info("phase_train", TensorProto.BOOL, []))
        nodes.append(helper.make_node("Not", ["phase_train"], ["unused"]))
    shapes = {"row": ["M", DIMENSION], "map": ["M", 4, None, None], "high": ["M", DIMENSION, 1, 1]}
    graph = helper.make_graph(
        nodes,
        "teacher",
        inputs,
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shapes[n]) for n in outputs],
        [numpy_helper.from_array(KERNEL, "kernel"), numpy_helper.from_array(ROWS, "rows")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        ({}, {}),
        ({"shape": [1, 3, SIDE, SIDE]}, {}),
        ({"shape": [4, 3, SIDE, SIDE]}, {}),
        ({"shape": ["N", SIDE, SIDE, 3]}, {}),
        ({"shape": [2, SIDE, SIDE, 3]}, {}),
        ({"shape": ["N", 3, "h", "w"]}, {"side": SIDE}),
        ({"shape": ["N", "h", "w", 3]}, {"side": SIDE}),
        ({"kind": TensorProto.UINT8}, {}),
        ({"kind": TensorProto.FLOAT16}, {}),
        ({"switch": True}, {}),
        ({"outputs": ("high",)}, {}),
        ({"outputs": ("row", "map")}, {}),
        ({"outputs": ("map", "row")}, {"output": "row"}),
    ],
)
def test_each_form_gives_the_same(form, settings, tmp_path: Path):
    network = PhotoNetwork(
        write(tmp_path / "a.onnx", **form), **{"side": None, "output": None} | settings
    )
    assert network.side == SIDE
    torch.testing.assert_close(network(PHOTOS), expected(PHOTOS), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("form", "settings", "said"),
    [
        ({"outputs": ("map", "row")}, {}, "map is a map of features.*Give teacher.output=row"),
        ({"outputs": ("map",)}, {}, r"map is a map of features, of shape \(4, 2, 2\)"),
        ({"outputs": ("row", "map")}, {"output": "map"}, "map of features.*teacher.output=row"),
        ({}, {"output": "nothing"}, "teacher.output=nothing: .* has row"),
        ({"kind": TensorProto.INT64}, {}, "takes photos of tensor.int64"),
        ({"shape": ["N", 3, "h", "w"]}, {}, "give teacher.image_size=N"),
        ({}, {"side": 20}, "teacher.image_size=20"),
    ],
)
def test_what_gives_no_row_is_refused_with_the_setting_that_helps(form, settings, said, tmp_path):
    file = write(tmp_path / "a.onnx", **form)
    with pytest.raises(InputError, match=said):
        PhotoNetwork(file, **{"side": None, "output": None} | settings)


class NoClasses:
    label_map = LabelMap((), ())


def teacher(file: Path, **settings: Any) -> OnnxTeacher:
    given = {"mean": [0, 0, 0], "deviation": [1, 1, 1], "image_size": None, "add_mirror": False}
    return OnnxTeacher(file=str(file), trained_on="x", data=NoClasses(), **given | settings)  # type: ignore[arg-type]


def test_blue_may_come_first_and_bytes_go_in_as_they_are(tmp_path: Path):
    numbers, blue_first = write(tmp_path / "a.onnx"), {"channels": "bgr"}
    torch.testing.assert_close(teacher(numbers).look(PHOTOS), expected(PHOTOS / 255))
    flipped = expected(PHOTOS.flip(1) / 255)
    torch.testing.assert_close(teacher(numbers, **blue_first).look(PHOTOS), flipped)
    assert teacher(numbers, **blue_first).description()["channels"] == "bgr"
    assert not {"channels", "output"} & teacher(numbers).description().keys()
    in_bytes = teacher(write(tmp_path / "b.onnx", kind=TensorProto.UINT8), mean=[9, 9, 9])
    torch.testing.assert_close(in_bytes.look(PHOTOS), expected(PHOTOS), atol=1e-3, rtol=1e-3)
    with pytest.raises(InputError, match=r"teacher\.channels=gbr"):
        teacher(numbers, channels="gbr")
