"""Weights files: tensors together with a description of the network they belong to.

A description is plain data: ``backbone`` and ``head`` (a ``name`` and the settings that the
tensors depend on), ``image_size``, ``label_map``, ``batch_norm_folded`` and ``trained_on``, the
data sets that the weights have learned from, the first one first.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from backbone.description import check_description
from backbone.errors import InputError
from backbone.files import replacing
from backbone.foreign import what_else


@dataclass(frozen=True)
class Weights:
    """Tensors keyed ``backbone.*`` and ``head.*``, and the network they belong to."""

    tensors: Mapping[str, Tensor]
    description: Mapping[str, Any]


def save_weights(path: Path, weights: Weights) -> None:
    """Writes a safetensors file whose metadata holds the description.

    The file appears complete or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in weights.tensors.items()}
    metadata = {"description": json.dumps(weights.description)}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


def read_weights(path: Path) -> Weights:
    """Reads a weights file or one of our checkpoints, running no code from it.

    Raises:
        InputError: If the file is missing, damaged or not ours.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    checkpoint = read_checkpoint(path)
    return Weights(network_tensors(checkpoint["state_dict"]), checkpoint["description"])


def network_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of a task's tensors that are its network's."""
    return {
        name: tensor for name, tensor in state.items() if name.startswith(("backbone.", "head."))
    }


def read_checkpoint(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Reads a checkpoint of ours: tensors and plain values only.

    Args:
        path: Of the file.
        mapped: Whether tensors stay on the disk until they are used.

    Raises:
        InputError: If the file is missing, damaged, not ours, or holds anything but plain data.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint")
    if path.suffix == ".safetensors":
        raise InputError(
            f"{path}: weights, not a checkpoint of a run. Use them with task=TASK init={path}"
        )
    checkpoint = read_tensors(path, mapped=mapped)
    if not isinstance(checkpoint, dict) or not {"state_dict", "description"} <= checkpoint.keys():
        raise InputError(
            f"{path}: not a checkpoint of this project (it has no network description). "
            "Published weights are converted by tools/import_weights.py."
        )
    state = checkpoint["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise InputError(f"{path}: its state_dict is no dictionary of named tensors")
    check_description(checkpoint["description"], path)
    return checkpoint


def read_tensors(path: Path, *, mapped: bool = False) -> Any:
    """Unpickles tensors and plain values, refusing everything that could run code.

    Args:
        path: Of the file.
        mapped: Whether tensors stay on the disk until they are used.

    Raises:
        InputError: If the file is damaged or holds other objects.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    if said := what_else(path):
        raise InputError(said)
    try:
        with warnings.catch_warnings():  # about old pickles, which are read or refused all the same
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped or None)
    except Exception as error:  # torch raises half a dozen kinds for damaged files
        # whose own messages would have the user turn the safety off
        raise InputError(
            f"{path}: cannot be read as tensors and plain values. It is damaged, no checkpoint, or "
            "holds Python objects, which are never loaded."
        ) from error


def read_description(path: Path) -> dict[str, Any]:
    """The description in a weights file, without its tensors.

    Raises:
        InputError: If the file is damaged or has none.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged or not a safetensors file ({error})") from error
    return _parse_description(metadata.get("description", ""), path)


def _read_safetensors(path: Path) -> Weights:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged or not a safetensors file ({error})") from error
    if "description" not in metadata:
        raise InputError(
            f"{path}: has no network description. Convert published weights with "
            f"`tools/import_weights.py source={path} output=FILE.safetensors`."
        )
    return Weights(tensors, _parse_description(metadata["description"], path))


def _parse_description(text: str, path: Path) -> dict[str, Any]:
    try:
        description = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: its network description is not JSON ({error})") from error
    check_description(description, path)
    return description
