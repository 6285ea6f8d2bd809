"""The end of a run: which weights it reports, and what a person needs to go on with them."""

import logging
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from backbone.weights import Weights, read_checkpoint, save_weights
from tasks.common.charts.training_curves import draw_curves
from tasks.common.files.contents import charts, file_lines
from tasks.common.images.decoding import read_image
from tasks.common.settings.called import to_run
from tasks.common.settings.writing import written
from tasks.common.training.checkpoints import Checkpoints
from tasks.common.training.task import Task
from tasks.common.training.watching.loggers import show_picture

REPORTS = ("best", "last")
NETWORK = "weights.safetensors"
MEGABYTE = 10**6


logger = logging.getLogger(__name__)


class Chosen(NamedTuple):
    """The weights that a run reports.

    Attributes:
        which: ``best`` or ``last``.
        file: That holds them; None if nothing was trained.
        epoch: In which they came about, from 1.
        step: After which.
    """

    which: str
    file: Path | None
    epoch: int
    step: int

    def metrics(self) -> dict[str, float]:
        """Of which epoch and step they are, as ``metrics.json`` says it."""
        return {f"{self.which}/epoch": self.epoch, f"{self.which}/step": self.step}

    def __str__(self) -> str:
        place = f"epoch {self.epoch} (step {self.step})"
        return f"best of {place}" if self.which == "best" else f"last, of {place}"


def put_in_reported(
    task: Task, trainer: Trainer, checkpoints: Checkpoints, *, report: str
) -> Chosen:
    """Puts the weights that are reported into the network, from their file in all processes.

    Args:
        task: As training left it.
        trainer: That trained it.
        checkpoints: That kept the weights.
        report: ``best`` by the metric or ``last``.
    """
    checkpoint = _best(checkpoints) if report == "best" else None
    file = checkpoints.best if checkpoint else checkpoints.last
    if not file.is_file():
        return Chosen("last", None, trainer.current_epoch, trainer.global_step)
    checkpoint = checkpoint or read_checkpoint(file)
    # or the average of the last weights would stand in for what is loaded, as it does in training
    trainer.callbacks = [  # type: ignore[attr-defined]
        callback
        for callback in trainer.callbacks  # type: ignore[attr-defined]
        if not isinstance(callback, WeightAveraging)
    ]
    task.load_state_dict(checkpoint["state_dict"])
    return Chosen(file.stem, file, checkpoint["epoch"] + 1, checkpoint["global_step"])


def _best(checkpoints: Checkpoints) -> dict[str, Any] | None:
    """The checkpoint of the best weights; None, with the reason said, if there is none here."""
    if checkpoints.best_score is None:
        lacking = f"No validation gave a {checkpoints.monitor}, so that no weights are the best"
    else:
        lacking = (
            f"The best weights, with a {checkpoints.monitor} of {checkpoints.best_score:.4f}, are "
            "in the folder of the run that this one goes on from"
        )
        if checkpoints.best.is_file():
            checkpoint = read_checkpoint(checkpoints.best)
            score = checkpoint["callbacks"][checkpoints.state_key]["best_score"]
            if score == checkpoints.best_score:
                return checkpoint
    logger.warning("%s: the last weights are scored", lacking)
    return None


def write_network(folder: Path, task: Task) -> None:
    """Writes the network alone, with its description, for ``init=``."""
    tensors = {
        name: tensor
        for name, tensor in task.state_dict().items()
        if name.startswith(("backbone.", "head."))
    }
    save_weights(folder / NETWORK, Weights(tensors, task.description()))


def show_charts(trainer: Trainer, folder: Path) -> None:
    """Shows the charts beside the curves, too."""
    for logger in trainer.loggers:
        for path in charts(folder):
            name = str(path.relative_to(folder).with_suffix(""))
            show_picture(logger, name, read_image(path).pixels, step=trainer.global_step)
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.close()  # which training has done before


@rank_zero_only
def close(
    task: Task,
    trainer: Trainer,
    folder: Path,
    chosen: Chosen,
    *,
    seconds: float,
    images_per_second: float,
) -> None:
    """Writes the network and draws the curves of a run, and says where everything is.

    Args:
        task: With the weights that are reported.
        trainer: Of the run.
        folder: Of the run.
        chosen: Which weights these are.
        seconds: That training took.
        images_per_second: Of training.
    """
    write_network(folder, task)
    draw_curves(folder, monitor=task.monitor, chosen=str(chosen), step=chosen.step)
    show_charts(trainer, folder)
    trained = f"trained {duration(seconds)}"
    if images_per_second:  # a run that had ended before has trained on none
        trained += f", {images_per_second:.1f} images/s"
    said = [f"These figures are of the weights that were {chosen}; {trained}"]
    said += file_lines(folder, checkpoint_lines(folder, chosen))
    if list((folder / "tensorboard").glob("events.*")):
        said += ["Look at the curves:", f"  tensorboard --logdir {shlex.quote(str(folder))}"]
    if chosen.file:
        said += ["Go on:", *(f"  {line}" for line in next_commands(chosen.file))]
    logger.info("%s", "\n".join(said))


def duration(seconds: float) -> str:
    """A time in the unit that it is best read in.

    >>> duration(41.2), duration(1000)
    ('41 s', '16.7 minutes')
    """
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.1f} minutes"


def checkpoint_lines(folder: Path, chosen: Chosen) -> dict[str, str]:
    """The files of weights, and what each is for."""
    uses = {
        "best": "the best at a validation",
        "last": "where training stopped: resume=last goes on from there",
    }
    uses[chosen.which] = "the weights of these figures"
    if chosen.which == "last":
        uses["last"] += ", which resume=last goes on from"
    lines = {f"checkpoints/{name}.ckpt": use for name, use in uses.items()}
    size = (folder / NETWORK).stat().st_size / MEGABYTE
    lines[NETWORK] = f"their network alone, {size:.1f} MB, for init="
    return {name: use for name, use in lines.items() if (folder / name).is_file()}


def next_commands(checkpoint: Path) -> list[str]:
    """What to do with a network now, ready to paste."""
    network = setting("checkpoint", checkpoint)
    return [
        f"{to_run('predict')} {network} input=PHOTOS output=FOUND",
        f"{to_run('eval')} {network}",
    ]


def setting(key: str, value: Path) -> str:
    r"""``key=value`` for a shell, whatever the value's characters mean to Hydra.

    >>> print(setting("checkpoint", Path("runs/a/best.ckpt")))
    checkpoint=runs/a/best.ckpt
    >>> print(setting("checkpoint", Path("my runs/a (1)/best.ckpt")))
    'checkpoint="my runs/a (1)/best.ckpt"'
    """
    return shlex.quote(written(key, value))
