"""A file that finds faces where a photo is red, in the form of YuNet's."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIDE = 640
STRIDES = (8, 16, 32)
# Of a face, in pixels of the picture that is searched, from the left top of its red cell.
POINTS = np.array([[-12, -10], [12, -10], [0, 2], [-9, 14], [9, 14]], np.float32)
BOX_SIDE = 64


def write_yunet(path: Path, *, red: float = 255.0) -> Path:
    """Each cell of 8 pixels whose red is so much is a face; coarser cells say nothing."""
    nodes, constants, outputs = [], [], []

    def constant(name: str, value: object, kind: type = np.float32) -> str:
        constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **settings: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **settings))
        return output

    bounds = [constant(name, [value], np.int64) for name, value in (("from", 2), ("to", 3))]
    reds = node("Slice", ["input", *bounds, constant("axis", [1], np.int64)], "red")
    for stride in STRIDES:
        places = (SIDE // stride) ** 2
        cells = {"kernel_shape": [stride] * 2, "strides": [stride] * 2}
        mean = node("AveragePool", [reds], f"mean_{stride}", **cells)
        row = node(
            "Reshape",
            [mean, constant(f"shape_{stride}", [1, places, 1], np.int64)],
            f"row_{stride}",
        )
        off = node("Sub", [row, constant(f"red_{stride}", red)], f"off_{stride}")
        far = node("Abs", [off], f"far_{stride}")
        near = node("Sub", [constant(f"reach_{stride}", 3.0), far], f"near_{stride}")
        says = constant(f"says_{stride}", 1.0 if stride == STRIDES[0] else 0.0)
        sure = node("Mul", [node("Relu", [near], f"clear_{stride}"), says], f"sure_{stride}")
        nothing = node("Mul", [row, constant(f"zero_{stride}", 0.0)], f"nothing_{stride}")
        said = {
            "cls": constant(f"c_{stride}", [0.0]),
            "obj": constant(f"o_{stride}", [0.0]),
            "bbox": constant(f"b_{stride}", [0, 0, *[np.log(BOX_SIDE / stride)] * 2]),
            "kps": constant(f"k_{stride}", POINTS.flatten() / stride),
        }
        for name, value in said.items():
            given = sure if name in ("cls", "obj") else nothing
            node("Add", [given, value], f"{name}_{stride}")
            outputs.append((f"{name}_{stride}", places, {"bbox": 4, "kps": 10}.get(name, 1)))
    order = [f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps") for stride in STRIDES]
    shapes = {name: [1, places, width] for name, places, width in outputs}
    graph = helper.make_graph(
        nodes,
        "yunet",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in order],
        constants,
    )
    opset = helper.make_opsetid("", 13)
    save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path
