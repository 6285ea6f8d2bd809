"""Where the curves and pictures of a training go, besides its folder."""

import os
from functools import singledispatch
from pathlib import Path

import cv2
import numpy as np
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from omegaconf import DictConfig
from tensorboard.compat.proto.summary_pb2 import Summary

from tasks.common.settings.recompose import plain_values
from tasks.common.settings.targets import build

QUALITY = 90  # of JPEG


def build_loggers(config: DictConfig, folder: Path) -> list[Logger]:
    """The logger that ``logger=`` chooses, in a list; an empty one for none.

    Args:
        config: Of the whole run, whose settings are told to those who list runs by them.
        folder: Of the run.

    Raises:
        InputError: If its library is not installed, or refuses its settings.
    """
    chosen = config.logger
    if not chosen:
        return []
    kind = chosen["_target_"].rpartition(".")[2]
    own = _own_store(chosen, folder) if kind == MLFlowLogger.__name__ else {"save_dir": folder}
    settings = DictConfig({key: value for key, value in chosen.items() if key not in own})
    logger: Logger = build(settings, **own)
    if kind != TensorBoardLogger.__name__:
        logger.log_hyperparams(plain_values(config))
    return [logger]


@singledispatch
def show_picture(logger: Logger, name: str, pixels: np.ndarray, *, step: int) -> None:
    """Shows a picture beside the curves, where a logger has a place for it.

    Args:
        logger: Of the run.
        name: Of what it shows, the same at every step; slashes make groups.
        pixels: RGB, ``uint8``, shape ``(H, W, 3)``.
        step: Of the training.
    """


@show_picture.register
def _(logger: TensorBoardLogger, name: str, pixels: np.ndarray, *, step: int) -> None:
    writer = logger.experiment._get_file_writer()
    if writer is None:  # in all processes but the first
        return
    # add_image would write PNG: of a photo five times the bytes, in a dozen times the time
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    height, width, colours = pixels.shape
    image = Summary.Image(
        height=height, width=width, colorspace=colours, encoded_image_string=encoded.tobytes()
    )
    summary = Summary(value=[Summary.Value(tag=name, image=image)])
    writer.add_summary(summary, step)


@show_picture.register
def _(logger: WandbLogger, name: str, pixels: np.ndarray, *, step: int) -> None:
    logger.log_image(name, [pixels], step=step)


@show_picture.register
def _(logger: MLFlowLogger, name: str, pixels: np.ndarray, *, step: int) -> None:
    logger.experiment.log_image(logger.run_id, pixels, key=name.replace(", ", "_"), step=step)


def _own_store(chosen: DictConfig, folder: Path) -> dict[str, str]:
    """Where MLflow keeps a run that nobody has named a server for: beside all else of it."""
    if uri := chosen.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI"):
        return {"tracking_uri": uri}
    folder = folder.resolve()
    return {
        "tracking_uri": f"sqlite:///{folder / 'mlflow.db'}",
        "artifact_location": (folder / "mlflow").as_uri(),
    }
