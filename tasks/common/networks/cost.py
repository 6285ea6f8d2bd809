"""What a network costs: multiply-adds and parameters, counted as the paper counts them."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_backbone, build_task
from tasks.common.settings.composing import compose
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tasks.common.training.task import Task

TABLES = CONFIGS / "tables"
# A loss may have weights, which no image passes through.
NOT_THE_LOSS = r"^(?!head\.(parts\.\w+\.)?criterion\.)"


class Cost(NamedTuple):
    """``mult_adds`` of one image's forward pass, and the number of ``params``."""

    mult_adds: int
    params: int


@torch.no_grad()
def count_cost(
    module: nn.Module,
    network: Callable[[Tensor], object],
    *,
    image_size: int,
    part: str = "",
) -> Cost:
    """Runs a network once on a blank image and counts.

    Convolutions and linear layers count, one multiply and add as one; batch norm folds into them.
    Its scale and shift count as parameters, its statistics do not.

    Args:
        module: Holds the layers and parameters.
        network: Runs them on a normalised image, ``(1, 3, H, W)``.
        image_size: Side of the image in pixels.
        part: Counts only layers and parameters in whose name this regular expression is found.
    """
    total = 0

    def add(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        weight = layer.weight
        per_output = weight.numel() // weight.shape[0]  # values that go into one
        total += per_output * output.numel()

    layers = [
        layer
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear) and re.search(part, name)
    ]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    parameter = next(module.parameters())
    was_training = module.training
    module.eval()
    network(torch.zeros(1, 3, image_size, image_size, device=parameter.device))
    module.train(was_training)
    for hook in hooks:
        hook.remove()
    counted = (p.numel() for name, p in module.named_parameters() if re.search(part, name))
    return Cost(total, sum(counted))


def task_cost(task: Task) -> Cost:
    """The cost of a task's backbone and head, without decoding."""
    return count_cost(
        task,
        lambda image: task.head.outputs(task.features(image)),
        image_size=task.image_size,
        part=NOT_THE_LOSS,
    )


class Row(NamedTuple):
    """A network, or a part of one, beside the paper's figures for it."""

    table: int | str | None
    model: str
    part: str
    resolution: int
    mult_adds: int
    params: int
    paper_mult_adds: int | None
    paper_params: int | None
    note: str


def cost_rows(config: DictConfig, *, task: str | None) -> list[Row]:
    """The rows that a user asked for.

    Args:
        config: The composed ``configs/cost.yaml``. With a task, its own row comes first, then those
            of the paper for this task, then the sixteen sizes of the backbone. With a table, its
            rows; with neither, those of all tables.
        task: Its name; None without one.
    """
    if config.table is not None:
        return table_rows(str(config.table))
    if task is None:
        return [row for table in _tables() for row in table_rows(table)]
    printed = [
        (table, row) for table in _tables() for row in read_table(table) if row.get("task") == task
    ]
    num_classes = config.num_classes or next((row["num_classes"] for _, row in printed), None)
    size = config.data.image_size or next((row["resolution"] for _, row in printed), None)
    if not num_classes or not size:
        raise InputError(
            f"The paper prints no network for task={task}: give num_classes=N data.image_size=N"
        )
    cost = _network_cost(config, num_classes=num_classes, image_size=size)
    own = Row(None, f"task={task} as configured", "", size, *cost, None, None, "")
    return [own, *(_row(table, row) for table, row in printed), *table_rows("figure4")]


def _tables() -> list[str]:
    """The tables there are, by number."""
    names = [path.stem for path in TABLES.glob("*.yaml")]
    return sorted(names, key=lambda name: (int(name) if name.isdigit() else 99, name))


def read_table(table: str) -> list[DictConfig]:
    """The rows of a table as its file has them.

    Raises:
        InputError: If there is no such table.
    """
    if table not in _tables():
        raise InputError(f"table={table}: there are {', '.join(_tables())}")
    return list(OmegaConf.load(TABLES / f"{table}.yaml"))


def table_rows(table: str) -> list[Row]:
    """The rows of a table, counted."""
    return [_row(table, row) for row in read_table(table)]


def _row(table: str, row: DictConfig) -> Row:
    config = compose("cost", list(row.overrides))
    part = row.get("part", {"name": "", "layers": ""})
    cost = _network_cost(
        config, num_classes=row.num_classes, image_size=row.resolution, part=part["layers"]
    )
    return Row(
        table=int(table) if table.isdigit() else table,
        model=row.model,
        part=part["name"],
        resolution=row.resolution,
        mult_adds=cost.mult_adds,
        params=cost.params,
        paper_mult_adds=_whole(row.get("paper_mult_adds")),
        paper_params=_whole(row.get("paper_params")),
        note=row.get("note", ""),
    )


def _whole(figure: float | None) -> int | None:
    return None if figure is None else int(figure)


def _network_cost(config: DictConfig, *, num_classes: int, image_size: int, part: str = "") -> Cost:
    # shapes are all that counts: no weights are drawn, and nothing is computed
    with torch.device("meta"):
        return _counted(config, num_classes=num_classes, image_size=image_size, part=part)


def _counted(config: DictConfig, *, num_classes: int, image_size: int, part: str) -> Cost:
    if config.get("task"):
        names = tuple(f"class {number}" for number in range(num_classes))
        label_map = LabelMap(names, tuple(range(num_classes)))
        return task_cost(build_task(config, label_map=label_map, image_size=image_size))
    backbone = build_backbone(config)
    head = build(config.head)(in_channels=backbone.out_channels, num_classes=num_classes)
    return count_cost(
        nn.ModuleList([backbone, head]),
        lambda image: head.outputs(backbone(image)),
        image_size=image_size,
        part=part,
    )


def rows_as_text(rows: Sequence[Row]) -> str:
    """A table for the console: ours, the paper's and the difference in percent."""
    names = [f"{row.model}{': ' * bool(row.part)}{row.part}" for row in rows]
    lines = [
        f"{'table':8}{'model':50}{'side':>5}{'mult-adds':>12}{'paper':>10}{'':>8}"
        f"{'params':>10}{'paper':>8}{'':>8}  note"
    ]
    for name, row in zip(names, rows, strict=True):
        lines.append(
            f"{row.table or '':<8}{name:50}{row.resolution:5}"
            f"{row.mult_adds / 1e6:10.1f} M{_millions(row.paper_mult_adds):>10}"
            f"{_difference(row.mult_adds, row.paper_mult_adds):>8}"
            f"{row.params / 1e6:8.2f} M{_millions(row.paper_params):>8}"
            f"{_difference(row.params, row.paper_params):>8}  {row.note}"
        )
    return "\n".join(lines)


def _millions(number: int | None) -> str:
    return "" if number is None else f"{number / 1e6:g} M"


def _difference(ours: int, paper: int | None) -> str:
    return "" if paper is None else f"{100 * (ours / paper - 1):+.1f}%"
