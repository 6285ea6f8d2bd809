"""A network in files for apps, each proven against the network that it was made from."""

from importlib.metadata import version
from typing import Any

from omegaconf import DictConfig

from backbone.errors import InputError, check_number
from tasks.common.commands.recording import say, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.commands.start import stored_network
from tasks.common.commands.summary import say_files
from tasks.common.data.module import DataModule
from tasks.common.exported.found import find_format, format_names, trait, why_not
from tasks.common.exported.metadata import VERSION
from tasks.common.exported.parity import parity_lines
from tasks.common.exported.photos import photos_to_check
from tasks.common.exported.running import TABLES
from tasks.common.exported.writing import Wanted, write_folder
from tasks.common.networks.cost import task_cost
from tasks.common.networks.restoring import restore
from tasks.common.settings.targets import build
from tasks.common.training.task import Task

IN_FOLDER = (
    *("model.*", "model.mlpackage/**/*", "metadata.json", "parity.json", "README.md"),
    *(TABLES, "report.txt"),
)
EXPORTS = (*IN_FOLDER, *(f"{name}/{each}" for name in format_names() for each in IN_FOLDER))
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
    results = claim_output(request, reads=[asked.checkpoint, asked.init], written=EXPORTS)
    config, checkpoint = stored_network(request)
    task, _ = restore(config, checkpoint)
    task.eval()
    names, report = chosen_formats(asked, has_crops=task.head.cuts_crops)
    if hasattr(task.head, "max_candidates"):
        task.head.max_candidates = min(task.head.max_candidates, asked.candidates)
    config.data.num_workers = 0  # for a few photos
    data: DataModule = build(config.data)
    images, whose = photos_to_check(data, asked.calibration, number=asked.num_photos)
    wanted = Wanted(describe(task, data, request), images, whose, asked.batch)
    results.make_way()
    parities = {}
    for name in names:
        folder = results.folder / name if asked.format == "all" else results.folder
        parities[name] = write_folder(task, name, folder, wanted)
    report.append(f"Checked on {len(images)} photos: {whose}")
    report += [f"{name}: {line}" for name in names for line in parity_lines(parities[name])]
    say(report)
    write_report(results.folder, report)
    say_files(results.folder)
    wrong = [name for name in names if parities[name]["passed"] is False]
    if wrong:
        raise InputError(
            f"The file for {', '.join(wrong)} in {results.folder} predicts something else than "
            "the network does, see parity.json. Please report it, with the library's version"
        )
    return parities


def check_settings(asked: DictConfig) -> None:
    """Refuses what no network could be written with."""
    if asked.format != "all":
        find_format(str(asked.format))
    if asked.batch is not None:
        check_number("batch", asked.batch, at_least=1, whole=True)
    check_number("candidates", asked.candidates, at_least=1, whole=True)
    check_number("num_photos", asked.num_photos, at_least=1, whole=True)


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
        if reason := why_not(name, has_crops=has_crops):
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
        "preparation": {"photo": data.framing, **data.preparation()},
        "thresholds": free,
        "num_params": cost.params,
        "mult_adds": cost.mult_adds,
        "trained_on": task.trained_on,
        "made_with": {name: version(name) for name in ("torch", "mobilenet-suite")},
    }
