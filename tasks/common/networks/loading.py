"""Weights of a file into a task's network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backbone.description import lineage
from backbone.errors import InputError
from backbone.loading import LoadReport, load_tensors, unused_names
from backbone.weights import Weights
from tasks.common.data.labels import LabelMap
from tasks.common.networks.settling import _is_for_head
from tasks.common.training.task import Task


def load_weights(
    task: Task, weights: Weights, *, source: Path, new_classes: bool = False
) -> LoadReport:
    """Copies weights into a task, row by row where its classes are among the file's.

    With any class that the file does not know, the class layers start anew.

    Args:
        task: That gets them.
        weights: The file's.
        source: The file, for messages.
        new_classes: The class layers start anew in any case.

    Raises:
        InputError: If the file's head works otherwise, or too little of the backbone fits.
    """
    description = weights.description
    tensors = dict(weights.tensors)
    became = LoadReport.classes
    head = {name[5:]: tensors.pop(name) for name in weights.tensors if name[:5] == "head."}
    if _is_for_head(weights, task.head.name):
        for key, value in task.head.settings().items():
            if description["head"].get(key, value) != value:
                raise InputError(
                    f"init={source} has a head with {key} {description['head'][key]}, but the "
                    f"settings ask for {value}"
                )
        saved = LabelMap.from_dict(description["label_map"])
        names = task.label_map.names
        unknown = set(names) - set(saved.names)
        classes = None if new_classes else task.label_map.places_in(saved)
        head = task.head.select_classes(head, classes)
        became = f"from the file, of the same {len(names)} names"
        if new_classes or unknown:
            why = f"the file lacks {len(unknown)} of {len(names)} names"
            became = f"start anew, {'as init_classes=new asks' if new_classes else f'since {why}'}"
        tensors |= {f"head.{name}": tensor for name, tensor in head.items()}
    report = load_tensors(task, tensors)
    report.unused = unused_names(weights.tensors, report)  # with what was left out above
    report.classes = became
    return report


def report_lines(report: LoadReport, *, source: Path, description: Mapping[str, Any]) -> list[str]:
    """What was taken from a weights file, for ``report.txt``."""
    head = description.get("head", {}).get("name", "none")
    backbone = description["backbone"]
    return [
        f"weights: {source}",
        f"  backbone: {', '.join(f'{key} {value}' for key, value in backbone.items())}",
        f"  head: {head}; image size {description['image_size']}",
        f"  trained on: {', '.join(lineage(description)) or 'nothing'}",
        *(f"  {line}" for line in report.lines()),
    ]
