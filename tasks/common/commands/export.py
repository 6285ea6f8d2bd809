"""A network in files for apps, each proven against the network that it was made from."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from backbone.errors import InputError, check_number
from tasks.common.commands.recording import say, write_json, write_report
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.commands.start import stored_network
from tasks.common.data.module import DataModule
from tasks.common.exported.card import model_card
from tasks.common.exported.formats import web
from tasks.common.exported.found import find_format, format_names, missing_library
from tasks.common.exported.metadata import VERSION, file_facts, write_metadata
from tasks.common.exported.network import Deployed
from tasks.common.exported.parity import compare, parity_lines
from tasks.common.exported.running import TABLES, by_tensors, open_runner, write_tables
from tasks.common.files.contents import say_files
from tasks.common.images.finding import find_images
from tasks.common.networks.cost import task_cost
from tasks.common.networks.restoring import restore
from tasks.common.settings.targets import build
from tasks.common.training.task import Task

EXPORTS = (
    *("model.*", "metadata.json", "parity.json", "README.md", TABLES, "report.txt"),
    *(*web.PAGE_FILES, "runtime/*"),
)
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
    names = format_names() if asked.format == "all" else [str(asked.format)]
    for name in names:
        find_format(name)
    if asked.batch is not None:
        check_number("batch", asked.batch, at_least=1, whole=True)
    check_number("candidates", asked.candidates, at_least=1, whole=True)
    check_number("num_photos", asked.num_photos, at_least=1, whole=True)
    runtime = None if asked.runtime is None else web.check_runtime(asked.runtime)
    results = claim_output(request, reads=[asked.checkpoint, asked.init], written=EXPORTS)
    config, checkpoint = stored_network(request)
    task, _ = restore(config, checkpoint)
    task.eval()
    if hasattr(task.head, "max_candidates"):
        task.head.max_candidates = min(task.head.max_candidates, asked.candidates)
    config.data.num_workers = 0  # for a few photos
    data: DataModule = build(config.data)
    images, whose = photos_to_check(data, asked)
    about = describe(task, data, request)
    results.make_way()
    parities = {}
    for name in names:
        folder = results.folder / name if asked.format == "all" else results.folder
        folder.mkdir(exist_ok=True)
        parities[name] = write_one(task, name, folder, about, images=images, whose=whose)
        if runtime and name == "web":
            web.copy_runtime(runtime, folder)
    report = [f"Checked on {len(images)} photos: {whose}"]
    report += [f"{name}: {line}" for name in names for line in parity_lines(parities[name])]
    say(report)
    write_report(results.folder, report)
    say_files(results.folder)
    wrong = [name for name in names if not parities[name]["passed"]]
    if wrong:
        raise InputError(
            f"The file for {', '.join(wrong)} in {results.folder} predicts something else than "
            "the network does, see parity.json. Please report it, with the library's version"
        )
    return parities


def write_one(
    task: Task, name: str, folder: Path, about: dict[str, Any], *, images: Tensor, whose: str
) -> dict[str, Any]:
    """Writes one format with all that describes it, and compares."""
    network, chosen = Deployed(task).eval(), find_format(name)
    about = {"format": name, **about, "input": input_of(network)}
    about["outputs"] = outputs_of(network)
    classes = (
        None if "parts" in about["network"]["label_map"] else dict(enumerate(task.label_map.names))
    )
    batch = about["batch"]
    try:
        file = chosen.write(network, folder, batch=batch, names=classes, about=json.dumps(about))
    except ImportError as error:
        raise missing_library(error, chosen, name) from error
    write_tables(task, folder)
    run = by_tensors(open_runner(folder, name))
    parity = {"photos": len(images), "photos_are": whose}
    parity |= compare(task, run, images, batch=batch or len(images))
    write_json(folder / "parity.json", parity)
    about |= {"files": [file_facts(file)], "parity": parity}
    write_metadata(folder, about)
    (folder / "README.md").write_text(model_card(about), encoding="utf-8")
    return parity


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
        "batch": request.config.batch,
    }


def input_of(network: Deployed) -> dict[str, Any]:
    """What the file takes."""
    side = network.image_size
    return {
        "name": "image",
        "type": "uint8",
        "layout": "NHWC",
        "shape": [None, side, side, 3],
        "colours": "RGB",
        "range": [0, 255],
        "normalisation": "inside",
    }


@torch.no_grad()
def outputs_of(network: Deployed) -> list[dict[str, Any]]:
    """What the file gives."""
    found = network.predictions(network.example(1))
    return [
        {
            "name": name,
            "type": str(value.dtype).removeprefix("torch."),
            "shape": [None, *value.shape[1:]],
        }
        for name, value in found.items()
    ]


def photos_to_check(data: DataModule, asked: DictConfig) -> tuple[Tensor, str]:
    """Photos at network size, ``uint8`` of shape ``(N, 3, S, S)``, and whose they are."""
    number = asked.num_photos
    if asked.calibration is not None:
        paths = find_images(str(asked.calibration))[:number]
        batches, whose = list(data.predict_dataloader(paths)), f"{asked.calibration}"
        if errors := [error for batch in batches for error in batch["errors"]]:
            raise InputError("\n".join(errors))
    else:
        try:
            batches, whose = [next(iter(data.val_dataloader()))], "the validation photos"
        except InputError:
            return drawn_photos(number, side=data.image_size), "drawn, for want of others"
    return torch.cat([batch["image"] for batch in batches])[:number], whose


def drawn_photos(number: int, *, side: int) -> Tensor:
    """Coloured clouds, the same every time."""
    coarse = torch.rand(number, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    clouds = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear")
    return (clouds * 255).to(torch.uint8)
