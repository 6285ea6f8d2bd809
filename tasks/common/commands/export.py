"""A network in files for apps, each proven against the network that it was made from."""

import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from backbone.errors import InputError, check_choice, check_number
from tasks.common.commands.recording import say, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.commands.start import stored_network
from tasks.common.data.module import DataModule
from tasks.common.exported.formats import web
from tasks.common.exported.found import CannotWriteError, find_format, format_names, trait, why_not
from tasks.common.exported.int8.figure import figure
from tasks.common.exported.metadata import VERSION
from tasks.common.exported.network import Deployed
from tasks.common.exported.parity import parity_lines
from tasks.common.exported.photos import photos_to_check, photos_to_measure
from tasks.common.exported.running import TABLES
from tasks.common.exported.writing import Wanted, write_folder
from tasks.common.files.contents import say_files
from tasks.common.networks.cost import task_cost
from tasks.common.networks.restoring import restore
from tasks.common.settings.targets import build
from tasks.common.training.task import Task

IN_FOLDER = (
    *("model.*", "model.mlpackage/**/*", "metadata.json", "parity.json", "README.md"),
    *(TABLES, "report.txt", *web.PAGE_FILES, "runtime/*"),
)
EXPORTS = (*IN_FOLDER, *(f"{name}/{each}" for name in format_names() for each in IN_FOLDER))
PRECISIONS = ("fp32", "int8")
NUM_OF_FLOATS, NUM_OF_INT8 = 8, 100  # photos to check on: equal on few, or agreeing on many
THRESHOLDS = ("score_threshold", "nms_iou", "max_candidates", "max_detections")


def export(request: Request) -> dict[str, Any]:
    """Writes a network in one format, or in all there are, and checks each file on photos.

    Args:
        request: Of ``configs/export.yaml``.

    Returns:
        What ``parity.json`` says, by the name of the format.

    Raises:
        InputError: If a file predicts something else, which is kept then, or cannot be made.
    """
    asked = request.config
    check_settings(asked)
    runtime = None if asked.runtime is None else web.check_runtime(asked.runtime)
    results = claim_output(request, reads=[asked.checkpoint, asked.init], written=EXPORTS)
    config, checkpoint = stored_network(request)
    task, _ = restore(config, checkpoint)
    task.eval()
    names, report = chosen_formats(asked, has_crops=task.head.cuts_crops)
    if hasattr(task.head, "max_candidates"):
        task.head.max_candidates = min(task.head.max_candidates, asked.candidates)
    config.data.num_workers = 0  # for a few photos
    data: DataModule = build(config.data)
    wanted = what_to_write(task, data, request)
    results.make_way()
    parities = {}
    for name in names:
        folder = results.folder / name if asked.format == "all" else results.folder
        try:
            parities[name] = write_folder(task, name, folder, wanted)
        except CannotWriteError as reason:
            if asked.format != "all":
                raise InputError(f"format={name} cannot be written: {reason}") from reason
            report.append(f"format={name} is left out: {reason}")
            shutil.rmtree(folder)
            continue
        if runtime and name == "web":
            web.copy_runtime(runtime, folder)
    if not parities:
        raise InputError("\n".join(report))
    report.append(f"Checked on {len(wanted.images)} photos: {wanted.whose}")
    for name, parity in parities.items():
        report += [f"{name}: {line}" for line in parity_lines(parity)]
    say(report)
    write_report(results.folder, report)
    say_files(results.folder)
    refuse_wrong(parities, asked, results.folder)
    return parities


def what_to_write(task: Task, data: DataModule, request: Request) -> Wanted:
    """All that is the same for every format; reads photos, and scores the network if asked."""
    asked = request.config
    if not asked.decoded:
        Deployed(task, decoded=False)  # which refuses what has nothing to decode
    small = asked.precision == "int8"
    number = asked.num_photos or (NUM_OF_INT8 if small else NUM_OF_FLOATS)
    images, whose = photos_to_check(data, asked.calibration, number=number, measured=small)
    wanted = Wanted(
        describe(task, data, request), images, whose, batch=asked.batch, decoded=asked.decoded
    )
    if small:
        wanted = wanted._replace(measured=photos_to_measure(data, asked.calibration))
    if asked.max_loss is not None:
        wanted = wanted._replace(
            score=lambda task: figure(task, data),
            before=figure(task, data),
            max_loss=asked.max_loss,
        )
    return wanted


def refuse_wrong(parities: Mapping[str, Any], asked: DictConfig, folder: Path) -> None:
    """Ends with an InputError if a file is not what it should be."""
    wrong = [name for name, parity in parities.items() if parity["passed"] is False]
    if wrong and asked.max_loss is not None:
        raise InputError(
            f"The file for {', '.join(wrong)} in {folder} loses more than max_loss={asked.max_loss}"
            ", see parity.json. Give calibration=PHOTOS that are more like those it will see, or "
            "precision=fp32"
        )
    if wrong:
        raise InputError(
            f"The file for {', '.join(wrong)} in {folder} predicts something else than the "
            "network does, see parity.json. Please report it, with the library's version"
        )


def check_settings(asked: DictConfig) -> None:
    """Refuses what no network could be written with."""
    if asked.format != "all":
        find_format(str(asked.format))
    if not isinstance(asked.decoded, bool):
        raise InputError(f"decoded={asked.decoded}: true or false is needed")
    if asked.batch is not None:
        check_number("batch", asked.batch, at_least=1, whole=True)
    check_number("candidates", asked.candidates, at_least=1, whole=True)
    if asked.num_photos is not None:
        check_number("num_photos", asked.num_photos, at_least=1, whole=True)
    check_choice("precision", asked.precision, allowed=PRECISIONS)
    if asked.max_loss is not None:
        check_number("max_loss", asked.max_loss, at_least=0)
        if asked.precision == "fp32":
            raise InputError(
                f"max_loss={asked.max_loss} is for precision=int8: in fp32 a file must predict the "
                "same as the network"
            )


def chosen_formats(asked: DictConfig, *, has_crops: bool) -> tuple[list[str], list[str]]:
    """The formats to write, and what to say of them.

    Args:
        asked: Of the command.
        has_crops: Whether the network cuts boxes out of maps.

    Raises:
        InputError: If the one that is named cannot be written, or none can.
    """
    names, report = [], []
    for name in format_names() if asked.format == "all" else [str(asked.format)]:
        reason = why_not(name, precision=asked.precision, batch=asked.batch, has_crops=has_crops)
        if reason:
            report.append(f"format={name} is left out: {reason}")
            continue
        names.append(name)
        if asked.batch is None and not trait(find_format(name), "FREE_BATCH"):
            report.append(f"{name}: takes one photo a call, since it has no free number (batch=)")
    if not names:
        raise InputError("\n".join(report).replace("is left out: ", "cannot be written: "))
    return names, report


def describe(task: Task, data: DataModule, request: Request) -> dict[str, Any]:
    """What is true of every format: ``metadata.json`` without what the file itself says."""
    cost = task_cost(task)
    free = {key: getattr(task.head, key) for key in task.head.free_settings if key in THRESHOLDS}
    return {
        "version": VERSION,
        "task": request.choices["task"] or "",
        "network": task.description(),
        "preparation": {
            "photo": data.framing,
            **data.preparation(),
            "settings": data.settings_of_photos(),
        },
        "thresholds": free,
        "precision": request.config.precision,
        "num_params": cost.params,
        "mult_adds": cost.mult_adds,
        "trained_on": task.trained_on,
        "made_with": {name: version(name) for name in ("torch", "mobilenet-suite")},
    }
