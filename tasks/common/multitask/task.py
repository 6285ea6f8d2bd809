"""Several tasks on one backbone: each has its head and metric, and all share every pass."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from backbone.errors import settings_of
from heads.head import Batch, Features, Head
from heads.multitask import MultitaskHead, check_part, shares
from heads.parts import of_part
from tasks.common.data.labels import LabelMap, joint_labels
from tasks.common.images.canvas import Canvas
from tasks.common.multitask.data import MultitaskData
from tasks.common.multitask.describing import DescribedParts, joined
from tasks.common.multitask.records import MEAN, PartRecords
from tasks.common.training.reported import Verdict
from tasks.common.training.task import File, Task

if TYPE_CHECKING:
    from tasks.common.multitask.metric import MultitaskMetric


class MultitaskTask(Task[MultitaskData, "MultitaskMetric"]):
    """Tasks that share a backbone, which runs once on all their photos together.

    Each part keeps the names of its figures and predictions; one that several parts have is called
    ``part/name``. The parts are no modules of this one, which has their heads and saves them.

    Args:
        parts: Make the tasks, by name.
        taught: The part that ``teacher=`` teaches.
        head: Makes the heads, of the same names.
        label_map: The classes of each part.
        **wiring: See ``Task``.

    Raises:
        InputError: If there is no such part to teach, or heads are of other parts.
    """

    head: MultitaskHead
    head_type = MultitaskHead
    takes_teacher = True
    monitor = f"val/{MEAN}"
    legend = "What the parts of one network say of each photo, and how sure they are of it."
    parts: Mapping[str, Task[Any, Any]] = {}

    def __init__(
        self,
        *,
        parts: Mapping[str, Any],
        taught: str,
        head: Callable[..., Head],
        label_map: LabelMap,
        **wiring: Any,
    ) -> None:
        check_part("task.taught", taught, parts=parts)
        classes = {
            name: part.func.head_arguments(label_map.of(name)) for name, part in parts.items()
        }
        numbers = {name: arguments["num_classes"] for name, arguments in classes.items()}
        super().__init__(head=partial(head, num_classes=numbers), label_map=label_map, **wiring)
        shared = ("backbone", "image_size", "optimizer", "schedule")
        heads = dict(self.head.heads())
        self.parts = {
            name: part(
                head=_given(heads[name]),
                label_map=label_map.of(name),
                **{key: wiring[key] for key in shared},
            )
            for name, part in parts.items()
        }
        self.train()  # again: each part has set the backbone to training

    @classmethod
    def head_arguments(cls, label_map: LabelMap) -> dict[str, Any]:
        return {}  # the parts know theirs

    def _apply(self, fn: Any, recurse: bool = True) -> "MultitaskTask":
        super()._apply(fn, recurse)
        for part in self.parts.values():
            part._apply(fn, recurse)  # buffers that it has beside its head
        return self

    def description(self) -> dict[str, Any]:
        labels = {
            name: LabelMap.from_dict(part.description()["label_map"])
            for name, part in self.parts.items()
        }
        return {**super().description(), "label_map": joint_labels(labels).to_dict()}

    def of(self, part: str) -> Task:
        check_part("task.taught", part, parts=self.parts)
        return self.parts[part]

    def prepare(self, stage: str, data: MultitaskData) -> None:
        for name, part in self.parts.items():
            part.report_exactly = self.report_exactly
            with settings_of("data", name):
                part.prepare(stage, data.of(name))
        super().prepare(stage, data)

    def make_metric(self, data: MultitaskData) -> "MultitaskMetric":
        from tasks.common.multitask.metric import MultitaskMetric  # and torchmetrics with it

        metrics = {name: part.measured for name, part in self.parts.items()}
        monitors = {name: part.monitor.removeprefix("val/") for name, part in self.parts.items()}
        return MultitaskMetric(metrics, monitors=monitors)

    def training_batch(self, batch: Batch) -> Batch:
        parts = {name: self.parts[name].training_batch(own) for name, own, _ in shares(batch, {})}
        image = torch.cat([own["image"] for own in parts.values()])
        return {**batch, "image": image, "parts": parts}

    def predictions(self, batch: Batch, features: Features | None = None) -> dict[str, Any]:
        """Those of each part on its share; on all photos, of a batch that is not divided."""
        features = self(batch["image"]) if features is None else features
        if "parts" in batch:
            divided = shares(batch, features)
        else:
            divided = ((name, batch, features) for name in self.parts)
        return {
            name: self.parts[name].predictions(own, self._share(name, share))
            for name, own, share in divided
        }

    def _share(self, name: str, features: Features) -> Features:
        """What a part decodes of the features, or of the outputs of a file."""
        return features if self.file is None else of_part(name, features)

    def run_file(self, file: File) -> None:
        super().run_file(file)
        for part in self.parts.values():
            part.run_file(file)

    def records(self, predictions: Mapping[str, Any], batch: Batch) -> PartRecords:
        shared = "parts" not in batch
        own = (
            dict.fromkeys(predictions, batch) if shared else {n: b for n, b, _ in shares(batch, {})}
        )
        return PartRecords(
            {name: self.parts[name].records(predictions[name], own[name]) for name in predictions},
            shared,
        )

    def entries(self, records: PartRecords) -> list[dict[str, Any]]:
        """One dictionary a photo: with all that the parts say of it, or with the one ``part``'s."""
        entries = {name: self.parts[name].entries(own) for name, own in records.parts.items()}
        if not records.shared:
            return [{"part": name, **entry} for name in entries for entry in entries[name]]
        photos = zip(*entries.values(), strict=True)
        return [joined(dict(zip(entries, photo, strict=True))) for photo in photos]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Draws what each part says, one over the other."""
        DescribedParts(self.parts).mark(canvas, entry)

    def verdict(self, truth: Mapping[str, Any], entry: Mapping[str, Any]) -> Verdict | None:
        return self.parts[entry["part"]].verdict(truth, entry)

    def illustrate(self, entry: Mapping[str, Any], path: Path) -> None:
        DescribedParts(self.parts).illustrate(entry, path)

    def summary(self, data: MultitaskData) -> str:
        lines = []
        for name, part in self.parts.items():
            part.figures = self.measured.by_part[name]
            lines += [f"{name}:", part.summary(data.of(name))]
        return "\n".join([*lines, f"{self.monitor} {self.figures[MEAN]:.4f}"])

    def cautions(self, data: MultitaskData) -> list[str]:
        lines = []
        for name, part in self.parts.items():
            part.trained_on = self.trained_on
            with settings_of("data", name):
                lines += [f"{name}: {line}" for line in part.cautions(data.of(name))]
        return lines


def _given(head: Head) -> Callable[..., Head]:
    """Stands where a head is made, for one that is there."""
    return lambda **_: head
