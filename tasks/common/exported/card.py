"""A page about an exported network, for whoever finds its folder."""

from collections.abc import Mapping
from typing import Any

CALL = """
import numpy, onnxruntime
from PIL import Image

image = Image.open("photo.jpg").convert("RGB").resize(({side}, {side}))
session = onnxruntime.InferenceSession("{file}")
found = session.run(None, {{"image": numpy.asarray(image)[None]}})
"""


def model_card(about: Mapping[str, Any]) -> str:
    """Markdown: what it does, takes and gives, what it learned from, and how to call it.

    Args:
        about: What ``metadata.json`` says.
    """
    network, side = about["network"], about["network"]["image_size"]
    labels = network["label_map"]
    names = labels.get("names", [])
    shown = ", ".join(map(str, names[:10])) + (f" and {len(names) - 10} more" * (len(names) > 10))
    outputs = [f"- `{row['name']}`: {row['type']} {_shape(row)}" for row in about["outputs"]]
    passed = "the same as the network's" if about["parity"]["passed"] else "NOT the network's"
    lines = [
        f"# {network['head']['name']} on {network['backbone']['name']}",
        "",
        f"{about['num_params']:,} parameters, {about['mult_adds']:,} multiply-adds a photo. "
        f"Trained on: {', '.join(about['trained_on']) or 'nothing'}.",
        "",
        f"Classes: {shown or 'none'}.",
        "",
        "## Input and outputs",
        "",
        f"`image`: uint8 {_shape(about['input'])}, RGB as a camera gives it; normalisation is "
        f"inside. A photo becomes its input so: {about['preparation']['photo']}.",
        "",
        *outputs,
        "",
        "Boxes are corners as shares of the input's sides; rows beyond `counts` are zero.",
        "",
        f"On {about['parity']['photos']} photos its predictions are {passed} (`parity.json`).",
    ]
    if about["format"] == "onnx":
        call = CALL.format(side=side, file=about["files"][0]["name"])
        lines += ["", "## Call it", "", f"```python{call}```"]
    return "\n".join(lines) + "\n"


def _shape(row: Mapping[str, Any]) -> str:
    sides = ["N" if side is None else str(side) for side in row["shape"]]
    return f"({', '.join(sides)})"
