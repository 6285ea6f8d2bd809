"""A folder of an exported network: the file, what describes it, and how near it comes."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tasks.common.exported.card import model_card
from tasks.common.exported.found import (
    CannotRunError,
    CannotWriteError,
    find_format,
    missing_library,
    trait,
)
from tasks.common.exported.int8.agreement import agree
from tasks.common.exported.int8.prepare import NUM_TO_CORRECT, prepare
from tasks.common.exported.metadata import (
    file_facts,
    write_metadata,
    write_parity,
    written_files,
)
from tasks.common.exported.network import Deployed
from tasks.common.exported.parity import compare
from tasks.common.exported.photos import as_pixels
from tasks.common.exported.running import open_file, write_tables
from tasks.common.training.task import Task


class Wanted(NamedTuple):
    """What is written, in whatever format.

    Attributes:
        about: What ``metadata.json`` says of all formats.
        images: Photos to check files on, ``uint8`` of shape ``(N, 3, S, S)``.
        whose: Whose these are.
        batch: Photos of a call; None for any number.
        decoded: Whether detectors give detections.
        measured: Photos to find the ranges of int8's values on; None for float32.
        score: The main figure of what the task runs; None where nobody asks for it.
        before: What it is of the network.
        max_loss: How much less it may be of the file.
    """

    about: dict[str, Any]
    images: Tensor
    whose: str
    batch: int | None = None
    decoded: bool = True
    measured: Tensor | None = None
    score: Callable[[Task], float] | None = None
    before: float = 0.0
    max_loss: float = 0.0


def write_folder(task: Task, name: str, folder: Path, wanted: Wanted) -> dict[str, Any]:
    """Writes one format with all that describes it, and compares.

    Args:
        task: With the network, in eval mode.
        name: Of the format.
        folder: For the files; made if it is not there.
        wanted: What to write.

    Returns:
        What ``parity.json`` says.

    Raises:
        InputError: If the library of the format is not installed.
        CannotWriteError: If the library cannot write this network.
    """
    folder.mkdir(exist_ok=True)
    network, chosen = Deployed(task, decoded=wanted.decoded).eval(), find_format(name)
    batch = wanted.batch or (None if trait(chosen, "FREE_BATCH") else 1)
    about = {"format": name, **wanted.about, "batch": batch, "decoded": wanted.decoded}
    about["made_with"] = about["made_with"] | versions(trait(chosen, "NEEDS"))
    if not wanted.decoded:
        about["coding"] = network.undecoded().coding
    about |= {"input": input_of(network, batch), "outputs": outputs_of(network, batch)}
    has_parts = "parts" in about["network"]["label_map"]
    classes = None if has_parts else dict(enumerate(task.label_map.names))
    photos = None
    if wanted.measured is not None:
        photos = as_pixels(wanted.measured)
        prepare(network, network, torch.from_numpy(photos[:NUM_TO_CORRECT]))
    text = json.dumps(about)
    try:
        file = chosen.write(network, folder, batch=batch, names=classes, about=text, photos=photos)
    except ImportError as error:
        raise missing_library(error, chosen, name) from error
    except NotImplementedError as error:  # such as Core ML's converter of an LSTM
        raise CannotWriteError(
            f"its converter does not know all of this network: {error}"
        ) from error
    write_tables(network, folder)
    parity = checked(task, folder, about, wanted)
    write_parity(folder, parity)
    about["files"] = [file_facts(path, folder=folder) for path in written_files(folder)]
    about["parity"] = parity
    write_metadata(folder, about)
    card = model_card(about, file=file.name, call=trait(chosen, "CALL"))
    (folder / "README.md").write_text(card, encoding="utf-8")
    return parity


def checked(task: Task, folder: Path, about: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Compares the file in a folder with the network, as far as it runs here."""
    parity: dict[str, Any] = {"photos": len(wanted.images), "photos_are": wanted.whose}
    try:
        run = open_file(folder, about)
    except CannotRunError as reason:
        return parity | {
            "photos": 0,
            "outputs": {},
            "passed": None,
            "not_compared": str(reason),
        }
    if wanted.measured is None:
        return parity | compare(task, run, wanted.images)
    parity |= {"calibrated_on": len(wanted.measured)} | agree(task, run, wanted.images)
    if wanted.score is not None:
        task.run_file(run)
        after = wanted.score(task)
        task.run_network()
        parity |= {"metric": task.monitor, "before": wanted.before, "after": after}
        parity |= {"max_loss": wanted.max_loss, "passed": wanted.before - after <= wanted.max_loss}
    return parity


def versions(modules: Sequence[str]) -> dict[str, str]:
    """Of the libraries that modules are of, as far as they are called alike."""
    found = {}
    for module in modules:
        with contextlib.suppress(PackageNotFoundError):
            found[module] = version(module)
    return found


def input_of(network: Deployed, batch: int | None) -> dict[str, Any]:
    """What the file takes."""
    side = network.image_size
    return {
        "name": "image",
        "type": "uint8",
        "layout": "NHWC",
        "shape": [batch, side, side, 3],
        "colours": "RGB",
        "range": [0, 255],
        "normalisation": "inside",
    }


@torch.no_grad()
def outputs_of(network: Deployed, batch: int | None) -> list[dict[str, Any]]:
    """What the file gives."""
    found = network.predictions(network.example(1))
    return [
        {
            "name": name,
            "type": str(value.dtype).removeprefix("torch."),
            "shape": [batch, *value.shape[1:]],
        }
        for name, value in found.items()
    ]
