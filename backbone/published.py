"""Published networks: their files, each read once, and the weights files that come of them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from backbone.class_names import class_names, data_sets_of
from backbone.errors import InputError
from backbone.tflite import Convolution, TFLiteModel, read_tflite
from backbone.weights import Weights, read_tensors

STATE_DICTS = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".safetensors")
RGB = 3


class PublishedFiles:
    """The files of one network; a converter asks for what it understands of them.

    Args:
        paths: Of one file, or of several that belong together, in any order.
        names: Class names in the order of the network's outputs, background included where it
            has one; None for those of the data set that it is known by.

    Raises:
        InputError: If there is none, or one is missing.
    """

    def __init__(self, paths: Sequence[Path], *, names: Sequence[str] | None = None) -> None:
        if not paths:
            raise InputError("source= names no file")
        for path in paths:
            if not path.is_file():
                raise InputError(f"source={path}: no such file")
        self.paths = tuple(paths)
        self.names = names

    def __str__(self) -> str:
        return ", ".join(map(str, self.paths))

    @cached_property
    def state(self) -> Mapping[str, Tensor]:
        """The state dict of a single file; empty for anything else.

        Raises:
            InputError: If the file is damaged, or holds something else.
        """
        path = self.paths[0]
        if len(self.paths) > 1 or path.suffix not in STATE_DICTS:
            return {}
        try:
            state = load_file(path) if path.suffix == ".safetensors" else read_tensors(path)
        except SafetensorError as error:
            raise InputError(f"{path}: damaged or not a safetensors file ({error})") from error
        if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
            raise InputError(f"{path}: not a state dict, which has tensors by their names")
        return state

    @cached_property
    def models(self) -> Sequence[TFLiteModel]:
        """Of TFLite files, the one that looks at the photo first; none of others.

        Raises:
            InputError: If a file is damaged, or the reader is not installed.
        """
        if any(path.suffix != ".tflite" for path in self.paths):
            return []
        return sorted(map(read_tflite, self.paths), key=_is_continuation)

    @property
    def convolutions(self) -> list[Convolution]:
        """Of all TFLite files, as they follow each other."""
        return [layer for model in self.models for layer in model.convolutions]


class PublishedHead(NamedTuple):
    """What a description says of a head, and its tensors under its own names."""

    description: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    label_map: Mapping[str, Any]


def classification(weight: Tensor, bias: Tensor, names: Sequence[str] | None) -> PublishedHead:
    """The head of a classifier's last layer; ``names`` as ``class_names`` takes them."""
    label_map = {"names": class_names(len(bias), names), "ids": list(range(len(bias)))}
    tensors = {"linear.weight": weight, "linear.bias": bias}
    return PublishedHead({"name": "classification"}, tensors, label_map)


def state_dict_classifier(files: PublishedFiles, layer: str) -> PublishedHead | None:
    """The head of a state dict whose last layer has this name; None where it is left out."""
    if f"{layer}.weight" not in files.state:
        return None
    weight, bias = (files.state[f"{layer}.{value}"] for value in ("weight", "bias"))
    return classification(weight, bias, files.names)


def published_weights(
    files: PublishedFiles,
    *,
    backbone: Mapping[str, Any],
    body: Mapping[str, Tensor],
    image_size: int,
    batch_norm_folded: bool,
    head: PublishedHead | None,
) -> Weights:
    """What ``tools/import_weights.py`` writes of a network.

    Args:
        files: Where it is from.
        backbone: Name and settings, as in a description.
        body: The backbone's tensors under its own names.
        image_size: Side of the images it was trained on.
        batch_norm_folded: See ``backbone.batch_norm``.
        head: None for a body alone.
    """
    description = {
        "backbone": dict(backbone),
        "image_size": image_size,
        "batch_norm_folded": batch_norm_folded,
        "trained_on": data_sets_of(head.label_map["names"] if head else None),
        "sources": [path.name for path in files.paths],
    }
    tensors = _prefixed("backbone", body)
    if head:
        description |= {"head": dict(head.description), "label_map": dict(head.label_map)}
        tensors |= _prefixed("head", head.tensors)
    return Weights(tensors, description)


def _is_continuation(model: TFLiteModel) -> bool:
    return not model.convolutions or model.convolutions[0].weight.shape[1] != RGB


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
