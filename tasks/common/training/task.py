"""What every application is: a backbone, a head and what becomes of its predictions."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from backbone.backbone import Backbone
from backbone.errors import InputError
from heads.head import Batch, Features, Head, check_strides
from tasks.common.data.labels import LabelMap
from tasks.common.settings.differences import differences
from tasks.common.training.reported import DataT, MetricT, Reported
from tasks.common.training.teacher import Teacher

# From photos, ``uint8`` of shape ``(B, 3, S, S)``, to the outputs of an exported network, by name.
File = Callable[[Tensor], dict[str, Tensor]]


class Task(nn.Module, Reported[DataT, MetricT]):
    """Wires a backbone to a head: forward pass, losses, predictions, metric.

    It knows nothing of Lightning, which takes seconds to import: ``LightningTask`` trains it.

    Args:
        backbone: Normalised image to features.
        head: Makes the head from ``in_channels`` and what ``head_arguments`` adds.
        label_map: Classes in the order of the head's outputs.
        image_size: Side of the network's square input in pixels.
        optimizer: Takes parameter groups.
        schedule: Takes the optimiser and ``total_steps``.
        freeze_batch_norm: Keep the statistics and the affine part of batch norm as they are.
        freeze_backbone: Keep the backbone as it is, and train the head on its features.
        compile: Compile the backbone; worth its minutes on long runs.

    Raises:
        InputError: If the image is too small for the backbone.
    """

    head_type: type[Head]  # what its heads have in common, by what they learn from and predict
    takes_teacher: bool = False  # whether its head learns from ``batch["target"]``
    uses_head: bool = True  # or only the backbone, with weights of whatever head

    def __init__(
        self,
        *,
        backbone: Backbone,
        head: Callable[..., Head],
        label_map: LabelMap,
        image_size: int,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[..., LRScheduler],
        freeze_batch_norm: bool = False,
        freeze_backbone: bool = False,
        compile: bool = False,
    ) -> None:
        super().__init__()
        if image_size < backbone.min_side:
            raise InputError(
                f"data.image_size={image_size}: backbone {backbone.name} needs at least "
                f"{backbone.min_side} pixels"
            )
        self.label_map = label_map
        self.image_size = image_size
        self.backbone = backbone
        self.head = head(in_channels=backbone.out_channels, **self.head_arguments(label_map))
        check_strides(self.head, backbone)
        if self.head.runs_tail:
            self.head.tail = backbone.tail
        self.optimizer = optimizer
        self.schedule = schedule
        self.freeze_batch_norm = freeze_batch_norm
        self.freeze_backbone = freeze_backbone
        self.teacher: Teacher | None = None
        self.scores_teacher = False  # instead of its own predictions
        self.file: File | None = None  # runs in the place of the network
        self.metric: MetricT | None = None
        self.report_exactly = False  # use the metric's reference implementation
        self.figures: dict[str, float] = {}
        self.trained_on: list[str] = []  # data sets, the first one first
        self.config: dict[str, Any] = {}  # plain values, for checkpoints
        self.to(memory_format=torch.channels_last)  # 1.3 to 3 times as fast
        self.train()  # frozen layers are frozen from the start
        if compile:
            self.backbone.compile()

    def of(self, part: str) -> "Task":
        """A part of several tasks in one; any other is its only part."""
        return self

    def forward(self, image: Tensor) -> Features:
        """Features of a batch of photos, ``uint8`` of shape ``(B, 3, H, W)``.

        Of a network in a file, what ``Head.deployed`` gives instead.
        """
        return self.features(normalised(image)) if self.file is None else self.file(image)

    def features(self, image: Tensor) -> Features:
        """Features of normalised photos; without ``c5`` where the head makes its own of crops."""
        # a frozen backbone has no gradients anyway, but some layers work otherwise for their sake
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_backbone):
            features: Features = self.backbone(image, tail=not self.head.runs_tail)
        return features

    @classmethod
    def head_arguments(cls, label_map: LabelMap) -> dict[str, Any]:
        """What the head needs to know of the classes."""
        return {"num_classes": len(label_map)}

    def description(self) -> dict[str, Any]:
        """What a file of these weights must say about them."""
        return {
            "backbone": {"name": self.backbone.name, **self.backbone.settings},
            "head": {"name": self.head.name, **self.head.settings()},
            "label_map": self.label_map.to_dict(),
            "image_size": self.image_size,
            "batch_norm_folded": False,
            "trained_on": self.trained_on,
        }

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.parameters()).device

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The parts of a training batch's loss, by name: their sum is what training lowers."""
        batch = self.training_batch(batch)
        return self.head.loss(self(batch["image"]), batch)

    def check_teacher(self, targets: Tensor) -> None:
        """Refuses a teacher by its targets for a batch of one photo, before any data are read."""

    def training_batch(self, batch: Batch) -> Batch:
        """A batch as it is trained on: a teacher, if there is one, sets the targets."""
        if self.teacher is None:
            return batch
        return {**batch, "target": self.teacher(batch)}

    def predictions(self, batch: Batch, features: Features | None = None) -> Any:
        """What is scored, drawn and written.

        Args:
            batch: With the photos.
            features: Of these photos, where they are known already.
        """
        if self.scores_teacher:
            assert self.teacher is not None
            return self.teacher(batch)
        features = self(batch["image"]) if features is None else features
        if self.file is not None:
            return self.head.from_deployed(features, batch["image"])
        return self.head.predict(features, batch)

    def run_file(self, file: File) -> None:
        """Has a file that was exported predict in the place of the network."""
        self.file = file

    def run_network(self) -> None:
        """Has the network predict again."""
        self.file = None

    def embeddings(self, batch: Batch) -> Tensor:
        """A point for each photo, ``(B, D)``: the pooled last feature of the backbone.

        Raises:
            InputError: If the network is in a file, which does not give it.
        """
        if self.file is not None:
            raise InputError("An exported network gives no pooled features: load its checkpoint")
        features: Features = self.backbone(normalised(batch["image"]), tail=True)
        return features["c5"].mean((2, 3))

    def score(self, batch: Batch) -> Any:
        """Adds a validation batch to the metric, and gives its records."""
        records = self.records(self.predictions(batch), batch)
        self.measured.update(records)
        return records

    def predict(self, batch: Batch) -> Any:
        """The records of any photos; None if none of the batch could be read."""
        return self.records(self.predictions(batch), batch) if len(batch["image"]) else None

    @property
    def measured(self) -> MetricT:
        """The metric, once ``prepare`` has made it."""
        assert self.metric is not None
        return self.metric

    def prepare(self, stage: str, data: DataT) -> None:
        """Makes ready to ``fit``, to ``validate`` or to ``predict``.

        Raises:
            InputError: If there is nothing to do so with.
        """
        if stage != "predict":
            self.metric = self.make_metric(data)

    def score_all(self) -> dict[str, float]:
        """The figures of all batches since the last time, and begins anew."""
        # the metric gathers from all processes by itself
        self.figures = {name: float(value) for name, value in self.measured.compute().items()}
        self.measured.reset()
        return self.figures

    def train(self, mode: bool = True) -> "Task":
        super().train(mode)
        if self.freeze_backbone:
            self.backbone.eval().requires_grad_(False)
        if self.freeze_batch_norm:
            for layer in self.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval().requires_grad_(False)
        return self

    def go_on_from(self, description: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Takes over what a training knew beside its weights, before these are loaded.

        Args:
            description: That its checkpoint has.
            tensors: Its weights, by name.

        Raises:
            InputError: If they are of another network, other classes or other people.
        """
        # checkpoints from before weights said what they were trained on can be resumed too
        theirs = {**description, "trained_on": self.trained_on}
        changed = list(map(str, differences(self.description(), theirs)))
        if changed:
            raise InputError(
                f"The checkpoint is of another network or other classes: {'; '.join(changed)}"
            )
        ours = self.state_dict()
        for name, tensor in tensors.items():
            if name in ours and tensor.shape != ours[name].shape:
                raise InputError(
                    f"The checkpoint learnt from others than this run: its {name} has the shape "
                    f"{tuple(tensor.shape)}, this run's {tuple(ours[name].shape)}. Resume with the "
                    "same data, or start a new run with init="
                )


def normalised(image: Tensor) -> Tensor:
    """``uint8`` pixels to [-1, 1], in the memory format that convolutions are fastest in."""
    return image.contiguous(memory_format=torch.channels_last).float() / 127.5 - 1
