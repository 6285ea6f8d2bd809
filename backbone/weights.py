"""Weights files: tensors together with a description of the network they belong to.

A description is plain data: ``backbone`` and ``head`` (a ``name`` and the settings that the
tensors depend on), ``image_size``, ``label_map``, ``batch_norm_folded`` and ``trained_on``, the
data sets that the weights have learned from, the first one first.
"""

import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from backbone.errors import InputError

MAX_IMAGE_SIZE = 10_000  # pixels; larger photos are refused too
UNKNOWN = "unknown"  # what weights were trained on that don't say
MIN_BACKBONE_LOADED = 0.95  # below this, a file is for another network, whatever its name says


@dataclass(frozen=True)
class Weights:
    """Tensors keyed ``backbone.*`` and ``head.*``, and the network they belong to."""

    tensors: Mapping[str, Tensor]
    description: Mapping[str, Any]


@dataclass
class LoadReport:
    """What became of every tensor, by name, and in words of the class layers."""

    loaded: list[str] = field(default_factory=list)
    started_anew: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    classes: str = "the file has none for this head"

    def lines(self) -> list[str]:
        """The report as text, one line a group and one a tensor that was not simply loaded."""
        return [
            f"tensors loaded: {len(self.loaded)}",
            f"tensors started anew: {len(self.started_anew)}",
            *(f"  {name}" for name in self.started_anew),
            f"tensors of the file not used: {len(self.unused)}",
            *(f"  {name}" for name in self.unused),
            f"class layers: {self.classes}",
        ]


def save_weights(path: Path, weights: Weights) -> None:
    """Writes a safetensors file whose metadata holds the description.

    The file appears complete or not at all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in weights.tensors.items()}
    metadata = {"description": json.dumps(weights.description)}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata=metadata)


class replacing:  # noqa: N801 - a context manager reads as a verb
    """Context manager: write to a temporary file, then put it in the place of ``path``.

    The data is synced before the rename, so that after a crash ``path`` is the old file or the
    new one, never a part. On an error the old file stays.

    Args:
        path: The file to write.
        synced: False for what can be made again and is checked when it is read.
    """

    def __init__(self, path: Path, *, synced: bool = True) -> None:
        self.path = path
        self.synced = synced

    def __enter__(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        os.close(handle)
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            self.temporary.unlink(missing_ok=True)
            return
        if self.synced:
            with self.temporary.open("r+b") as file:  # Windows syncs only what may be written
                os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        self.temporary.chmod(0o666 & ~umask)  # mkstemp's files are for the owner alone
        self.temporary.replace(self.path)


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
    tensors = {
        name: tensor
        for name, tensor in checkpoint["state_dict"].items()
        if name.startswith(("backbone.", "head."))
    }
    return Weights(tensors, checkpoint["description"])


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint of ours: tensors and plain values only.

    Raises:
        InputError: If the file is missing, damaged, not ours, or holds anything but plain data.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint")
    if path.suffix == ".safetensors":
        raise InputError(
            f"{path}: weights, not a checkpoint of a run. Use them with task=TASK init={path}"
        )
    checkpoint = read_tensors(path)
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


def read_tensors(path: Path) -> Any:
    """Unpickles tensors and plain values, refusing everything that could run code.

    Raises:
        InputError: If the file is damaged or holds other objects.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        with warnings.catch_warnings():  # about old pickles, which are read or refused all the same
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for damaged files
        # whose own messages would have the user turn the safety off
        raise InputError(
            f"{path}: cannot be read as tensors and plain values. It is damaged, no checkpoint, or "
            "holds Python objects, which are never loaded."
        ) from error


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


def check_description(description: Any, path: Path) -> None:
    """Refuses a description whose parts are missing or of other types than ours write.

    Raises:
        InputError: At the first such part, naming the file.
    """
    if not isinstance(description, dict):
        raise InputError(f"{path}: its network description is {description!r:.80}, not an object")
    for key in ("backbone", "head"):
        part = description.get(key, {"name": ""} if key == "head" else None)
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise InputError(f"{path}: its description has {part!r:.80} as {key}")
    size = description.get("image_size")
    if type(size) is not int or not 0 < size <= MAX_IMAGE_SIZE:
        raise InputError(f"{path}: its description has {size!r:.80} as image_size")
    if not all(isinstance(name, str) for name in lineage(description)):
        raise InputError(f"{path}: its description has {lineage(description)!r:.80} as trained_on")
    labels = description.get("label_map")
    if labels is None and "head" not in description:
        return
    parts = labels.get("parts", {}) if isinstance(labels, dict) else None
    if not isinstance(parts, dict) or not all(map(_are_labels, [labels, *parts.values()])):
        raise InputError(
            f"{path}: its description has {labels!r:.80} as label_map, which needs as many "
            "different names as ids"
        )


def lineage(description: Mapping[str, Any]) -> list[str]:
    """The data sets that weights were trained on, the first one first."""
    named = description.get("trained_on", UNKNOWN)
    return list(named) if isinstance(named, list) else [named]


def _are_labels(labels: Any) -> bool:
    if not isinstance(labels, dict):
        return False
    names, ids = labels.get("names"), labels.get("ids")
    return (
        isinstance(names, list)
        and isinstance(ids, list)
        and all(type(name) is str for name in names)
        and all(type(number) is int for number in ids)
        and len(names) == len(ids) == len(set(names)) == len(set(ids))
    )


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor]) -> LoadReport:
    """Copies every tensor whose name and shape fit into ``module``.

    Args:
        module: Has ``backbone`` and ``head`` below it.
        tensors: Keyed as ``module.state_dict()``.

    Raises:
        InputError: If under 95% of the backbone's values are in ``tensors``.
    """
    report = LoadReport()
    state = {
        name: value
        for name, value in module.state_dict().items()
        if name.startswith(("backbone.", "head.")) and not name.endswith("num_batches_tracked")
    }
    for name, value in state.items():
        if name in tensors and tensors[name].shape == value.shape:
            value.copy_(tensors[name])  # state_dict shares memory with the module
            report.loaded.append(name)
        else:
            report.started_anew.append(name)
    report.unused = unused_names(tensors, report)
    _check_backbone(state, report)
    return report


def unused_names(tensors: Mapping[str, Tensor], report: LoadReport) -> list[str]:
    """Which of a file's tensors were not loaded, but for batch norm's step counters."""
    unused = tensors.keys() - set(report.loaded)
    return sorted(name for name in unused if not name.endswith("num_batches_tracked"))


def _check_backbone(state: Mapping[str, Tensor], report: LoadReport) -> None:
    sizes = {name: value.numel() for name, value in state.items() if name.startswith("backbone.")}
    share = sum(sizes.get(name, 0) for name in report.loaded) / max(sum(sizes.values()), 1)
    if share < MIN_BACKBONE_LOADED:
        missing = [name for name in report.started_anew if name.startswith("backbone.")]
        raise InputError(
            f"Only {share:.0%} of the backbone is in the weights file; at least "
            f"{MIN_BACKBONE_LOADED:.0%} must be. First missing or of another shape: "
            f"{', '.join(missing[:3])}"
        )
