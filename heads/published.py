"""Published networks, whole: backbone, head and the description that belongs to them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import MobileNet_V3_Small_Weights
from torchvision.models.detection import SSD300_VGG16_Weights

from backbone.description import UNKNOWN
from backbone.errors import InputError
from backbone.published import (
    NUM_CONVOLUTIONS,
    folded_layer,
    mobilenet_settings,
    mobilenet_tensors,
    timm_tensors,
    vgg_tensors,
)
from backbone.tflite import Convolution, TFLiteModel, read_tflite
from backbone.weights import Weights, read_tensors

NUM_EXTRAS = 8  # convolutions between the body and the predictors of SSD
NUM_ANCHORS = (3, 6, 6, 6, 6, 6)  # at each place of the six maps
NUM_BOX_VALUES = 4
RGB = 3
NUM_IMAGENET_CLASSES = 1000
UNUSED_NAMES = ("???", "N/A")  # how label files mark numbers without a class
STATE_DICT_IMAGE_SIZE = 224  # of timm's and torchvision's networks
CLASSIFIERS = ("classifier", "classifier.6")  # timm's name for the last layer, and torchvision's


def import_published(sources: Sequence[Path], *, names: Sequence[str] | None = None) -> Weights:
    """Converts Google's TFLite files or a state dict into a weights file of ours.

    Args:
        sources: One ``.tflite`` file, several that continue each other, in any order, or one
            state dict of timm's ``mobilenetv1_*`` or torchvision's ``vgg16`` (``.safetensors``,
            ``.pth``, ``.bin``).
        names: Class names in the order of the file's outputs, background included where it has
            one; None for ImageNet's or COCO's.

    Raises:
        InputError: If a file is damaged or holds another network.
    """
    if not sources:
        raise InputError("source= names no file")
    if any(source.suffix != ".tflite" for source in sources):
        return _import_state_dict(sources, names)
    # the file that looks at the photo comes first, in whatever order they were given
    models = sorted((read_tflite(source) for source in sources), key=_is_continuation)
    convolutions = [layer for model in models for layer in model.convolutions]
    if len(convolutions) < NUM_CONVOLUTIONS:
        files = ", ".join(map(str, sources))
        raise InputError(
            f"{files}: {len(convolutions)} convolutions, but MobileNet v1 has {NUM_CONVOLUTIONS}. "
            "If the network comes in several files, give all: source=FILE,FILE"
        )
    body = mobilenet_tensors(convolutions)
    rest = convolutions[NUM_CONVOLUTIONS:]
    if len(rest) <= 1:
        head = _classifier(rest, names)
    else:
        head = _ssd(convolutions, names)
    description = {
        "backbone": {"name": "mobilenet", **mobilenet_settings(body, same_padding=True)},
        "image_size": models[0].image_size,
        "batch_norm_folded": True,
        "trained_on": _trained_on(head),
        "sources": [source.name for source in sources],
    }
    tensors = _prefixed("backbone", body) | _prefixed("head", head.pop("tensors"))
    return Weights(tensors, description | head)


def _is_continuation(model: TFLiteModel) -> bool:
    return not model.convolutions or model.convolutions[0].weight.shape[1] != RGB


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _trained_on(head: Mapping[str, Any]) -> list[str]:
    """The data sets behind a published network, by its classes: a file does not name them."""
    classes = head.get("label_map", {}).get("names")
    if classes is None or len(classes) == NUM_IMAGENET_CLASSES:
        return ["imagenet"]
    # the authors' detectors began as classifiers of ImageNet and were then trained as a whole
    return ["imagenet", "coco"] if set(classes) == set(_coco_names()) else [UNKNOWN]


def _coco_names() -> list[str]:
    """COCO's names where it uses the number, without background."""
    names: list[str] = SSD300_VGG16_Weights.COCO_V1.meta["categories"]
    return [name for name in names[1:] if name not in UNUSED_NAMES]


def _classifier(rest: Sequence[Convolution], names: Sequence[str] | None) -> dict[str, Any]:
    """The ImageNet layer without its row 0, background."""
    if not rest:
        return {"tensors": {}}
    weight, bias = rest[0].weight.flatten(1)[1:], rest[0].bias[1:]
    return {
        "tensors": {"linear.weight": weight, "linear.bias": bias},
        "head": {"name": "classification"},
        "label_map": {
            "names": _class_names(len(bias), None if names is None else names[1:]),
            "ids": list(range(len(bias))),
        },
    }


def _ssd(convolutions: Sequence[Convolution], names: Sequence[str] | None) -> dict[str, Any]:
    """SSD's extra layers and predictors, which follow the body."""
    body, rest = convolutions[:NUM_CONVOLUTIONS], convolutions[NUM_CONVOLUTIONS:]
    extras = rest[:NUM_EXTRAS]
    pairs = _predictors(convolutions, rest[NUM_EXTRAS:])
    if not pairs or extras[0].source != body[-1].target:
        raise InputError(
            "Neither a MobileNet v1 classifier nor SSD-MobileNet v1: after the body, eight extra "
            "convolutions and a box and a class predictor on each of six maps were expected, with "
            f"{', '.join(map(str, NUM_ANCHORS))} anchors, not these {len(rest)} convolutions"
        )
    tensors: dict[str, Tensor] = {}
    for number, layer in enumerate(extras):
        tensors |= folded_layer(f"extras.{number // 2}.{number % 2}", layer)
    num_classes = _num_outputs(pairs[0][1]) // NUM_ANCHORS[0]
    label_map = _detection_label_map(num_classes, names)
    rows = [0, *label_map["ids"]]
    for number, (box, classes) in enumerate(pairs):
        for name, tensor in (("weight", box.weight), ("bias", box.bias)):
            by_anchor = tensor.unflatten(0, (-1, NUM_BOX_VALUES))
            # TensorFlow writes boxes y, x, height, width
            tensors[f"box_layers.{number}.{name}"] = by_anchor[:, [1, 0, 3, 2]].flatten(0, 1)
        for name, tensor in (("weight", classes.weight), ("bias", classes.bias)):
            by_anchor = tensor.unflatten(0, (-1, num_classes))
            tensors[f"class_layers.{number}.{name}"] = by_anchor[:, rows].flatten(0, 1)
    return {
        "tensors": tensors,
        "head": {"name": "ssd", "activation": "sigmoid"},
        "label_map": label_map,
    }


def _predictors(
    convolutions: Sequence[Convolution], predictors: Sequence[Convolution]
) -> list[tuple[Convolution, Convolution]]:
    """Box and class layer of each map, finest first, or nothing if these are not SSD's."""
    sources = {layer.source for layer in predictors}
    maps = [layer.target for layer in convolutions if layer.target in sources]
    layers = [[layer for layer in predictors if layer.source == source] for source in maps]
    if [len(pair) for pair in layers] != [2] * len(NUM_ANCHORS):
        return []
    pairs = []
    for pair, anchors in zip(layers, NUM_ANCHORS, strict=True):
        # With three object classes the two are alike: the released files put boxes first.
        box, classes = sorted(pair, key=lambda x: _num_outputs(x) != NUM_BOX_VALUES * anchors)
        if _num_outputs(box) != NUM_BOX_VALUES * anchors or _num_outputs(classes) % anchors:
            return []
        pairs.append((box, classes))
    return pairs


def _num_outputs(layer: Convolution) -> int:
    return len(layer.bias)


def _detection_label_map(num_classes: int, names: Sequence[str] | None) -> dict[str, Any]:
    """Names and ids of the classes that are used; COCO's ids have gaps."""
    if names is None:
        names = SSD300_VGG16_Weights.COCO_V1.meta["categories"]
    if len(names) != num_classes:
        raise InputError(
            f"The network tells {num_classes} classes apart, background included, and there are "
            f"{len(names)} names for them. Give labels=FILE: a name a line, background first, "
            f"'{UNUSED_NAMES[0]}' where a number is not used."
        )
    used = [number for number in range(1, num_classes) if names[number] not in UNUSED_NAMES]
    return {"names": [names[number] for number in used], "ids": used}


def imagenet_names() -> list[str]:
    """ImageNet's thousand names, in order, as the label maps of imported classifiers have them."""
    return _class_names(NUM_IMAGENET_CLASSES, None)


def _class_names(count: int, names: Sequence[str] | None) -> list[str]:
    """ImageNet's names; the two that stand for two classes each get their number."""
    if names is None and count == NUM_IMAGENET_CLASSES:
        names = MobileNet_V3_Small_Weights.IMAGENET1K_V1.meta["categories"]
    if names is None:
        return [f"class {number}" for number in range(count)]
    if len(names) != count:
        raise InputError(
            f"The network tells {count} classes apart, and there are {len(names)} names for them. "
            "Give labels=FILE with a name a line, background first where the file has it."
        )
    repeated = {name for name in names if list(names).count(name) > 1}
    return [f"{name} ({i})" if name in repeated else name for i, name in enumerate(names)]


def _import_state_dict(sources: Sequence[Path], names: Sequence[str] | None) -> Weights:
    if len(sources) != 1:
        raise InputError("Several sources are only understood as .tflite files that join")
    (source,) = sources
    state = _read_state_dict(source)
    try:
        backbone, body = _state_dict_body(state)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    description = {
        "backbone": backbone,
        "image_size": STATE_DICT_IMAGE_SIZE,
        "batch_norm_folded": False,
        "sources": [source.name],
    }
    tensors = _prefixed("backbone", body)
    for layer in (layer for layer in CLASSIFIERS if f"{layer}.weight" in state):
        linear = {name: state[f"{layer}.{name}"] for name in ("weight", "bias")}
        tensors |= _prefixed("head.linear", linear)
        names = _class_names(len(linear["bias"]), names)
        description["head"] = {"name": "classification"}
        description["label_map"] = {"names": names, "ids": list(range(len(names)))}
    return Weights(tensors, description | {"trained_on": _trained_on(description)})


def _read_state_dict(source: Path) -> dict[str, Tensor]:
    if not source.is_file():
        raise InputError(f"{source}: no such file")
    try:
        state = load_file(source) if source.suffix == ".safetensors" else read_tensors(source)
    except SafetensorError as error:
        raise InputError(f"{source}: damaged or not a safetensors file ({error})") from error
    if not isinstance(state, dict):
        raise InputError(f"{source}: not a state dict")
    return state


def _state_dict_body(state: Mapping[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Description and tensors of the backbone."""
    if "features.0.weight" in state:
        return {"name": "vgg16"}, vgg_tensors(state)
    tensors = timm_tensors(state)
    return {"name": "mobilenet"} | mobilenet_settings(tensors, same_padding=False), tensors
