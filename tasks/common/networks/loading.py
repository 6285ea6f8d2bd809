"""Weights of a file into a task's network."""

from backbone.errors import InputError
from backbone.loading import LoadReport, load_tensors, unused_names
from tasks.common.data.labels import LabelMap
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.settling import is_for_head
from tasks.common.training.task import Task


def load_weights(task: Task, checkpoint: Checkpoint, *, new_classes: bool = False) -> LoadReport:
    """Copies weights into a task, row by row where its classes are among the file's.

    With any class that the file does not know, the class layers start anew.

    Args:
        task: That gets them.
        checkpoint: With the weights.
        new_classes: The class layers start anew in any case.

    Raises:
        InputError: If the file's head works otherwise, or too little of the backbone fits.
    """
    description = checkpoint.description
    tensors = dict(checkpoint.tensors)
    became = LoadReport.classes
    head = {name[5:]: tensors.pop(name) for name in checkpoint.tensors if name[:5] == "head."}
    if is_for_head(checkpoint, task.head.name):
        for key, value in task.head.settings().items():
            if description["head"].get(key, value) != value:
                raise InputError(
                    f"init={checkpoint.path} has a head with {key} {description['head'][key]}, but "
                    f"the settings ask for {value}"
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
    report.unused = unused_names(checkpoint.tensors, report)  # with what was left out above
    report.classes = became
    return report


def report_lines(report: LoadReport, checkpoint: Checkpoint, *, image_size: int) -> list[str]:
    """What was taken from a weights file, for ``report.txt``.

    Args:
        report: Of the loading.
        checkpoint: The file.
        image_size: Of the network that was loaded into, in pixels.
    """
    description = checkpoint.description
    size = f"image size {description['image_size']}"
    if description["image_size"] != image_size:
        size += f", here {image_size}"
    head = description.get("head", {}).get("name", "none")
    backbone = description["backbone"]
    return [
        f"weights: {checkpoint.path}",
        f"  backbone: {', '.join(f'{key} {value}' for key, value in backbone.items())}",
        f"  head: {head}; {size}",
        f"  trained on: {', '.join(checkpoint.trained_on) or 'nothing'}",
        *(f"  {line}" for line in report.lines()),
    ]
