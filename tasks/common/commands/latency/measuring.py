"""Times a network in each form that it has, in turns, and prints a table."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import cv2
import torch
from omegaconf import DictConfig

from backbone.errors import InputError, check_flag, check_number
from backbone.files import replacing
from tasks.common.commands.export import export
from tasks.common.commands.latency.contestants import (
    Contestant,
    drawn_photo,
    folders_in,
    of_folder,
    of_task,
    peer_of,
)
from tasks.common.commands.request import Request, composed
from tasks.common.commands.run_folder import check_file
from tasks.common.commands.start import ready, stored_network
from tasks.common.exported.metadata import read_metadata
from tasks.common.exported.running import described
from tasks.common.files.folders import make_folder
from tasks.common.images.finding import find_images
from tasks.common.machine.hardware import machine
from tasks.common.machine.timing import as_table, durations, rows_as_json
from tasks.common.networks.restoring import own_settings
from tasks.common.predictions.trained import TrainedNetwork
from tasks.common.settings.writing import written
from tasks.common.training.task import Task

OURS = "torch, eager"
IN_A_ROW = 8  # calls of one network before the next has its turn: an app runs one
MOST_THREADS = 1024


class Row(NamedTuple):
    """A line of the table, in milliseconds a photo.

    Attributes:
        network: What was timed.
        precision: Of its numbers.
        threads: Of a call.
        batch: Photos of a call.
        photo_ms: From a photo's file to what is found, the median.
        photo_spread_ms: Between the quartiles.
        network_ms: The network alone, the median.
        network_spread_ms: Between the quartiles.
        rounds: Calls of each.
    """

    network: str
    precision: str
    threads: int
    batch: int
    photo_ms: float
    photo_spread_ms: float
    network_ms: float
    network_spread_ms: float
    rounds: int


def latency(request: Request) -> str:
    """Times what a request names.

    Args:
        request: Of ``configs/latency.yaml``.

    Returns:
        The table.

    Raises:
        InputError: If there is nothing to time, or a setting is not allowed.
    """
    asked = request.config
    threads, sizes = (_numbers(asked, name) for name in ("threads", "batch_sizes"))
    check_number("seconds", asked.seconds, at_least=0)
    for flag in ("compile", "peers"):
        check_flag(flag, asked[flag])
    if asked.output is not None:
        check_file("output", Path(str(asked.output)), overwrite=asked.overwrite)
    trained = bool(asked.checkpoint or asked.init)
    if not (trained or asked.exported):
        raise InputError("Give exported=DIR, checkpoint=FILE, or both; or task=TASK init=FILE")
    networks = Networks(request) if trained else None
    before = torch.get_num_threads(), cv2.getNumThreads()
    with tempfile.TemporaryDirectory(prefix="latency") as temporary:
        scratch = Path(temporary)
        photos = [drawn_photo(scratch)] if asked.input is None else find_images(str(asked.input))
        folders = folders_in(asked.exported) if asked.exported else export_all(request, scratch)
        try:
            rows = [
                row
                for number in threads
                for size in sizes
                for row in timed(
                    list(contestants(asked, networks, folders, photos, number, size)),
                    threads=number,
                    batch=size,
                    seconds=asked.seconds,
                )
            ]
        finally:
            torch.set_num_threads(before[0])
            cv2.setNumThreads(before[1])
    facts = machine()
    if asked.output is not None:
        path = Path(str(asked.output))
        make_folder("output", path.parent)
        with replacing(path) as file:
            file.write_text(rows_as_json(rows, facts) + "\n", encoding="utf-8")
    return table(rows, facts)


class Networks:
    """The network of a checkpoint, made anew for each form that changes it."""

    def __init__(self, request: Request) -> None:
        plain = request.config.copy()
        plain.exported = None  # which is timed beside it
        self.config, self.checkpoint = stored_network(request.with_config(plain))

    def make(self) -> TrainedNetwork:
        """The network, as prediction has it."""
        task, _ = ready(self.config, self.checkpoint)
        return TrainedNetwork(task, self.config.copy(), self.checkpoint)


def contestants(
    asked: DictConfig,
    networks: Networks | None,
    folders: Sequence[Path],
    photos: Sequence[Path],
    threads: int,
    size: int,
) -> Iterator[Contestant]:
    """All that is timed with so many threads and photos at once."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    batch = [photos[place % len(photos)] for place in range(size)]
    if networks:
        yield of_task(OURS, networks.make(), batch)
        if asked.compile:
            compiled = networks.make()
            compiled.task.backbone.compile()
            yield of_task("torch, compiled", compiled, batch)
    for folder in folders:
        yield of_folder(folder, batch, threads=threads)
    if asked.peers:
        yield peer_of(networks.make().task if networks else _untrained(folders[0]), batch)


def _untrained(folder: Path) -> Task:
    """The task of an exported network, to see of what kind it is."""
    description = described(folder)
    config = own_settings(description, task=read_metadata(folder)["task"])
    return ready(config, description)[0]


def export_all(request: Request, scratch: Path) -> list[Path]:
    """Exports a checkpoint in all formats that are installed, for the time being."""
    own = ("checkpoint=", "init=", "task=", "head=", "backbone")
    given = [text for text in request.overrides if text.startswith(own)]
    chosen = [f"task={request.choices['task']}"] if request.choices.get("task") else []
    given += [text for text in chosen if not any(one.startswith("task=") for one in given)]
    output = scratch / "exported"
    export(composed("export", [*given, "format=all", written("output", output), "num_photos=1"]))
    # a page has the file of ONNX, and browsers to run it
    return [folder for folder in folders_in([str(output)]) if folder.name != "web"]


def timed(
    forms: Sequence[Contestant], *, threads: int, batch: int, seconds: float
) -> Iterator[Row]:
    """A row for each form; they take turns, the network alone and the whole way, too."""
    calls: dict[str, Any] = {}
    for place, form in enumerate(forms):
        calls |= {f"{place} whole": form.whole, f"{place} alone": form.alone}
    found = durations(calls, seconds=seconds, in_a_row=IN_A_ROW)
    for place, form in enumerate(forms):
        whole, alone = (found[f"{place} {part}"] for part in ("whole", "alone"))
        yield Row(
            *(form.name, form.precision, threads, batch),
            *_milliseconds(whole, batch),
            *_milliseconds(alone, batch),
            len(whole),
        )


def _milliseconds(seconds: Sequence[float], batch: int) -> tuple[float, float]:
    """Of a photo: the median, and what is between the quartiles."""
    low, middle, high = (1e3 * value / batch for value in quantiles(seconds, n=4))
    return round(middle, 3), round(high - low, 3)


def _numbers(asked: DictConfig, name: str) -> list[int]:
    given: Any = 1 if asked[name] is None else asked[name]
    several = isinstance(given, Sequence) and not isinstance(given, str)
    numbers: list[int] = list(given) if several else [given]
    if not numbers:
        raise InputError(f"{name}=[]: a number is needed, or several")
    for number in numbers:
        check_number(name, number, at_least=1, at_most=MOST_THREADS, whole=True)
    return numbers


def table(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """What is printed."""
    header = ("network", "precision", "threads", "batch", "photo, ms", "alone, ms", "x torch")
    ours = {(row.threads, row.batch): row.photo_ms for row in rows if row.network == OURS}
    body = [
        (
            row.network,
            row.precision,
            str(row.threads),
            str(row.batch),
            f"{row.photo_ms:.2f} ± {row.photo_spread_ms / 2:.2f}",
            f"{row.network_ms:.2f} ± {row.network_spread_ms / 2:.2f}",
            _times(ours.get((row.threads, row.batch)), row.photo_ms),
        )
        for row in rows
    ]
    said = "Milliseconds a photo: the median ± half of what is between the quartiles"
    return f"{as_table(header, body, facts)}\n{said}"


def _times(ours: float | None, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if ours else ""
