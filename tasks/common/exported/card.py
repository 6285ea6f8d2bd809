"""A page about an exported network, for whoever finds its folder."""

from collections.abc import Mapping
from typing import Any


def model_card(about: Mapping[str, Any], *, file: str, call: str) -> str:
    """Markdown: what it does, takes and gives, what it learned from, and how to call it.

    Args:
        about: What ``metadata.json`` says.
        file: The name of the file to open.
        call: Lines of Python with places for ``side`` and ``file``; none where it is empty.
    """
    network, side = about["network"], about["network"]["image_size"]
    labels = network["label_map"]
    names = labels.get("names", [])
    shown = ", ".join(map(str, names[:10])) + (f" and {len(names) - 10} more" * (len(names) > 10))
    outputs = [f"- `{row['name']}`: {row['type']} {_shape(row)}" for row in about["outputs"]]
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
        _verdict(about),
    ]
    if call:
        lines += ["", "## Call it", "", f"```python{call.format(side=side, file=file)}```"]
    return "\n".join(lines) + "\n"


def _shape(row: Mapping[str, Any]) -> str:
    sides = ["N" if side is None else str(side) for side in row["shape"]]
    return f"({', '.join(sides)})"


def _verdict(about: Mapping[str, Any]) -> str:
    """How near it comes to the network that it was made from."""
    parity = about["parity"]
    if "not_compared" in parity:
        return "It has not been compared with the network that it was made from."
    if about["precision"] != "fp32":
        return (
            f"It computes in {about['precision']}. How far it agrees with its network in float32, "
            f"on {parity['photos']} photos, is in `parity.json`."
        )
    same = "the same as the network's" if parity["passed"] else "NOT the network's"
    return f"On {parity['photos']} photos its predictions are {same} (`parity.json`)."
