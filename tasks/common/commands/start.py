"""What a command starts from: a training, and one that only looks at photos."""

from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.request import Request, composed
from tasks.common.data.module import DataModule
from tasks.common.exported.running import described, exported_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.folding import unfold_batch_norm
from tasks.common.networks.loading import load_weights, report_lines
from tasks.common.networks.own_head import own_head, settle_head
from tasks.common.networks.published import weights_file
from tasks.common.networks.restoring import restore
from tasks.common.networks.settling import check_options, settled
from tasks.common.settings.recompose import recompose
from tasks.common.settings.writing import settings_in
from tasks.common.training.task import Task


class Start(NamedTuple):
    """What a training starts from; both are None for nothing.

    Attributes:
        init: Weights.
        resume: A checkpoint to go on from.
    """

    init: Checkpoint | None
    resume: Checkpoint | None

    @classmethod
    def of(cls, config: DictConfig, folder: Path) -> "Start":
        """Reads what ``init`` or ``resume`` names.

        Args:
            config: Of the command.
            folder: Of the run, for ``resume=last``.

        Raises:
            InputError: If there is no such file, or a run cannot go on from it.
        """
        if not config.resume:
            init = config.init and Checkpoint.read(weights_file(config.init))
            return cls(init or None, None)
        last = folder / "checkpoints" / "last.ckpt"
        path = last if config.resume == "last" else Path(str(config.resume))
        if not path.is_file():
            raise InputError(
                f"resume={config.resume}: there is no {path}. Give the run_dir= of the run to go "
                "on with, or a checkpoint file."
            )
        return cls(None, Checkpoint.read(path, to_resume=True))

    def settled(self, config: DictConfig) -> DictConfig:
        """The settings with what the file decides of them."""
        source = self.init or self.resume
        return settled(config, source) if source else config.copy()

    @property
    def trained_on(self) -> list[str]:
        """The data sets that the weights have learned from."""
        source = self.init or self.resume
        return source.trained_on if source else []

    def load_into(self, task: Task, data: DataModule, *, new_classes: bool) -> list[str]:
        """Copies the weights of ``init`` into a task; a resumed one is filled by Lightning.

        Args:
            task: With new weights.
            data: Training photos, where batch norm has to be measured on some.
            new_classes: The class layers start anew in any case.

        Returns:
            What was taken, for the report.
        """
        if not self.init:
            return []
        loaded = load_weights(task, self.init, new_classes=new_classes)
        if self.init.description.get("batch_norm_folded"):
            unfold_batch_norm(task, loaded, data)
        return report_lines(loaded, self.init, image_size=task.image_size)


def stored_network(request: Request) -> tuple[DictConfig, Checkpoint]:
    """The settings and the network that ``checkpoint=``, ``init=`` or ``exported=`` name.

    Raises:
        InputError: If neither or both are given, or the file and the settings do not fit.
    """
    config = request.config
    exported = config.get("exported")
    if sum(map(bool, (config.checkpoint, config.init, exported))) != 1:
        also = "; or exported=DIR, of tools/export.py" if "exported" in config else ""
        raise InputError(
            "Give either checkpoint=FILE, from a run, or task=TASK init=FILE, with imported "
            f"weights{also}"
        )
    if exported:
        folder = Path(str(exported))
        checkpoint = described(folder)
        if not config.get("task"):
            raise InputError(f"exported={folder}: its metadata name no task. Give task=")
    elif config.init:
        if not config.get("task"):
            raise InputError("init=FILE needs a task, such as task=ssd_coco")
        checkpoint = Checkpoint.read(weights_file(config.init))
    else:
        checkpoint = request.stored or Checkpoint.of_run(Path(str(config.checkpoint)))
        config = recompose(
            request.command,
            saved=checkpoint.values,
            choices=checkpoint.choices,
            overrides=request.overrides,
        )
    if not config.checkpoint:
        config = with_own_head(request, config, checkpoint)
    check_options(config, request.choices)
    return settled(config, checkpoint), checkpoint


def with_own_head(request: Request, config: DictConfig, checkpoint: Checkpoint) -> DictConfig:
    """The settings with the head that a file of weights or an export is of, unless one is named."""
    overrides = request.overrides
    head = None if "head" in settings_in(overrides) else own_head(config, checkpoint.description)
    if head is not None:
        config = composed(request.command, [f"head={head}", *overrides]).config
    return settle_head(config, checkpoint.description, overrides=overrides)


def stored(path: Path) -> Checkpoint:
    """What a file of weights holds, or what a folder says of an exported network."""
    return described(path) if path.is_dir() else Checkpoint.read(path)


def ready(config: DictConfig, checkpoint: Checkpoint) -> tuple[Task, list[str]]:
    """A task with that network, and what was taken of it, for the report."""
    if checkpoint.path.is_dir():
        return exported_task(config, checkpoint.path), [f"network: {checkpoint.path}"]
    return restore(config, checkpoint)
