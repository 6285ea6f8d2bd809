"""A network for others: its tensors, what they are, and no code; on the Hub if asked for."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.commands.start import stored_network
from tasks.common.commands.summary import write_network
from tasks.common.files.contents import say_files
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.cost import Cost, task_cost
from tasks.common.networks.hub import PUBLISHED, upload
from tasks.common.networks.restoring import restore

SHOWN = 10  # classes, on the page

logger = logging.getLogger(__name__)


def push(request: Request) -> Path:
    """Writes the folder, and sends it if ``repo`` is given.

    Args:
        request: Of ``configs/push.yaml``.

    Returns:
        The folder.

    Raises:
        InputError: If there is no such network, or the Hub does not take it.
    """
    asked = request.config
    if not isinstance(asked.private, bool):
        raise InputError(f"private={asked.private}: true or false is needed")
    results = claim_output(request, reads=[asked.checkpoint, asked.init], written=PUBLISHED)
    config, checkpoint = stored_network(request)
    task, _ = restore(config, checkpoint)
    results.make_way()
    write_network(results.folder, task)
    figures = figures_of(checkpoint)
    if figures:
        text = json.dumps(figures, indent=2) + "\n"
        (results.folder / "metrics.json").write_text(text, encoding="utf-8")
    name = str(asked.repo or "hf:OWNER/NAME")
    option = request.choices["task"] or str(config.get("task"))
    page = card(task.description(), task_cost(task), figures, name=name, option=option, asked=asked)
    (results.folder / "README.md").write_text(page, encoding="utf-8")
    say_files(results.folder)
    if asked.repo:
        logger.info("%s", upload(results.folder, name, private=asked.private))
    return results.folder


def figures_of(checkpoint: Checkpoint) -> dict[str, float]:
    """What a run has measured of these weights; nothing of weights that it has not measured."""
    file = checkpoint.path.resolve().parent.with_name("metrics.json")
    if checkpoint.path.parent.name != "checkpoints" or not file.is_file():
        return {}
    figures: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    measured = figures.get("best/step", figures.get("last/step"))
    return figures if measured == checkpoint.global_step else {}


def card(
    description: Mapping[str, Any],
    cost: Cost,
    figures: Mapping[str, float],
    *,
    name: str,
    option: str,
    asked: DictConfig,
) -> str:
    """The page of a repository, in Markdown, with what the Hub reads above it.

    Args:
        description: Of the network.
        cost: Of the network.
        figures: Measured of these weights.
        name: ``hf:OWNER/NAME``.
        option: Of ``task``.
        asked: Of the command.
    """
    backbone, head = description["backbone"]["name"], description["head"]["name"]
    names = description["label_map"].get("names", [])
    classes = ", ".join(map(str, names[:SHOWN])) + (
        f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)
    )
    licence = [f"license: {asked.licence}"] if asked.licence else []
    measured = [f"- {key}: {value:.4g}" for key, value in figures.items() if key.startswith("val/")]
    lines = [
        *("---", *licence, "library_name: mobilenet-suite", f"tags: [{backbone}, {head}]", "---"),
        *(f"# {head} on {backbone}", ""),
        f"{cost.params:,} parameters, {cost.mult_adds:,} multiply-adds a photo of "
        f"{description['image_size']} x {description['image_size']} pixels. "
        f"Trained on: {', '.join(description['trained_on']) or 'nothing'}.",
        *("", f"Classes: {classes or 'none'}.", ""),
        *(["Measured in validation (`metrics.json`):", "", *measured, ""] if measured else []),
        *("```python", "from mobilenet_suite import load", ""),
        *(f'model = load("{name}", task="{option}")', 'model("photo.jpg")', "```", ""),
        f"    mobilenet predict task={option} init={name} input=PHOTOS output=FOUND",
        f"    mobilenet train task={option} init={name} data.root=DIR",
    ]
    return "\n".join(lines) + "\n"
