"""SSD-MobileNet v1 of TensorFlow's as .tflite: eight more layers, boxes and classes of six maps."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from backbone.class_names import UNUSED_NAMES, coco_categories
from backbone.errors import InputError
from backbone.mobilenet import released_settings
from backbone.published import PublishedFiles, PublishedHead, published_weights
from backbone.tflite import MOBILENET_DEPTHWISE, Convolution, folded_layer, mobilenet_tensors
from backbone.weights import Weights

NUM_CONVOLUTIONS = len(MOBILENET_DEPTHWISE)
NUM_EXTRAS = 8  # convolutions between the body and the predictors
NUM_ANCHORS = (3, 6, 6, 6, 6, 6)  # at each place of the six maps
NUM_BOX_VALUES = 4


def fits(files: PublishedFiles) -> bool:
    """Whether the extra layers follow the body, and two predictors each of six maps."""
    layers = files.convolutions
    body, extras = layers[:NUM_CONVOLUTIONS], layers[NUM_CONVOLUTIONS:][:NUM_EXTRAS]
    if [layer.depthwise for layer in body] != MOBILENET_DEPTHWISE or not extras:
        return False
    return extras[0].source == body[-1].target and bool(_predictors(layers))


def convert(files: PublishedFiles) -> Weights:
    """The body and the head.

    Raises:
        InputError: If there are more or fewer names than classes.
    """
    body = mobilenet_tensors(files.convolutions)
    return published_weights(
        files,
        backbone={"name": "mobilenet", **released_settings(body, same_padding=True)},
        body=body,
        image_size=files.models[0].image_size,
        batch_norm_folded=True,
        head=_head(files),
    )


def _head(files: PublishedFiles) -> PublishedHead:
    layers = files.convolutions
    pairs = _predictors(layers)
    num_classes = _num_outputs(pairs[0][1]) // NUM_ANCHORS[0]
    label_map = _label_map(num_classes, files.names)
    rows = [0, *label_map["ids"]]
    tensors: dict[str, Tensor] = {}
    for number, layer in enumerate(layers[NUM_CONVOLUTIONS:][:NUM_EXTRAS]):
        tensors |= folded_layer(f"extras.{number // 2}.{number % 2}", layer)
    for number, (box, classes) in enumerate(pairs):
        for name, tensor in (("weight", box.weight), ("bias", box.bias)):
            by_anchor = tensor.unflatten(0, (-1, NUM_BOX_VALUES))
            # TensorFlow writes boxes y, x, height, width
            tensors[f"box_layers.{number}.{name}"] = by_anchor[:, [1, 0, 3, 2]].flatten(0, 1)
        for name, tensor in (("weight", classes.weight), ("bias", classes.bias)):
            by_anchor = tensor.unflatten(0, (-1, num_classes))
            tensors[f"class_layers.{number}.{name}"] = by_anchor[:, rows].flatten(0, 1)
    return PublishedHead({"name": "ssd", "activation": "sigmoid"}, tensors, label_map)


def _predictors(layers: Sequence[Convolution]) -> list[tuple[Convolution, Convolution]]:
    """Box and class layer of each map, finest first, or nothing if these are not SSD's."""
    predictors = layers[NUM_CONVOLUTIONS + NUM_EXTRAS :]
    sources = {layer.source for layer in predictors}
    maps = [layer.target for layer in layers if layer.target in sources]
    found = [[layer for layer in predictors if layer.source == source] for source in maps]
    if [len(pair) for pair in found] != [2] * len(NUM_ANCHORS):
        return []
    pairs = []
    for pair, anchors in zip(found, NUM_ANCHORS, strict=True):
        # With three object classes the two are alike: the released files put boxes first.
        box, classes = sorted(pair, key=lambda x: _num_outputs(x) != NUM_BOX_VALUES * anchors)
        if _num_outputs(box) != NUM_BOX_VALUES * anchors or _num_outputs(classes) % anchors:
            return []
        pairs.append((box, classes))
    return pairs


def _num_outputs(layer: Convolution) -> int:
    return len(layer.bias)


def _label_map(num_classes: int, names: Sequence[str] | None) -> dict[str, Any]:
    """Names and ids of the classes that are used; COCO's ids have gaps."""
    names = coco_categories() if names is None else names
    if len(names) != num_classes:
        raise InputError(
            f"The network tells {num_classes} classes apart, background included, and there are "
            f"{len(names)} names for them. Give labels=FILE: a name a line, background first, "
            f"'{UNUSED_NAMES[0]}' where a number is not used."
        )
    used = [number for number in range(1, num_classes) if names[number] not in UNUSED_NAMES]
    return {"names": [names[number] for number in used], "ids": used}
