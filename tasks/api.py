"""The suite from Python: from a file to what is in a photo, and the commands as functions.

A network looks at a photo::

    from mobilenet_suite import load

    model = load("runs/toys/checkpoints/best.ckpt")
    for found in model("photo.jpg")["detections"]:
        print(found["name"], found["score"], found["bbox"])
    model.draw("photo.jpg").save("found.jpg")
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig
from PIL import Image

from backbone.errors import InputError
from tasks.common.commands.request import left_to_file
from tasks.common.console.asking import asking
from tasks.common.exported.metadata import read_metadata
from tasks.common.images.decoding import DecodedImage, read_image
from tasks.common.images.given import Photo, as_files
from tasks.common.predictions.exported import ExportedNetwork, check_torch, why_torch
from tasks.common.predictions.network import Network
from tasks.common.settings.composing import compose
from tasks.common.settings.recompose import missing_choices
from tasks.common.settings.writing import written
from tasks.common.training.comparison import confident

Entry = dict[str, Any]
ONNX = ".onnx"

__all__ = ["InputError", "Model", "evaluate", "export", "load", "predict", "train"]


def load(path: str | Path, *, task: str = "", **settings: Any) -> "Model":
    """A trained network, ready to look at photos, on the CPU.

    Args:
        path: A checkpoint of a run, its ``weights.safetensors``, imported weights, a folder of
            ``tools/export.py``, which its runtime runs, or published weights by name, such as
            ``ssd_mobilenet_0.75_coco``; or a public network in an ONNX file, as ``teacher=onnx``
            takes them.
        task: Of a weights file, the task that it is for, where its head fits several; of an ONNX
            file always.
        **settings: Of ``configs/predict.yaml``, where a network needs others than its own:
            ``**{"data.alignment": "yunet.onnx"}``, or of an ONNX file ``**{"teacher.channels":
            "bgr"}``.

    Raises:
        InputError: If there is no such file, or it holds no whole network.
    """
    path = Path(path)
    texts = [written(key, value) for key, value in settings.items()]
    if path.is_dir() and (task := task or read_metadata(path)["task"]):
        given = [f"task={task}", written("exported", path)]
        config = _config(given, settings)
        reason = why_torch(config, texts)
        if reason is None:
            return Model(ExportedNetwork(path, config), min_score=config.pictures.min_score)
        check_torch(reason)
        texts = [*left_to_file([*given, *texts], None), *texts]
    from tasks.common.commands.start import ready, stored  # and torch with it
    from tasks.common.networks.folding import fix_weights
    from tasks.common.networks.published import weights_file
    from tasks.common.networks.restoring import own_settings, task_of
    from tasks.common.predictions.trained import TrainedNetwork

    if path.suffix == ONNX:
        return _of_teacher(path, task, settings)
    checkpoint = stored(weights_file(path))
    if settings and not path.is_dir():  # which are looked at as those of a command are
        named = missing_choices(checkpoint.choices, texts)
        _config(named or [f"task={task or task_of(checkpoint)}"], settings)
    config = own_settings(checkpoint, task=task, overrides=texts)
    restored, _ = ready(config, checkpoint)
    fix_weights(restored.eval(), precision="32-true")
    network = TrainedNetwork(restored, config, checkpoint)
    return Model(network, min_score=config.pictures.min_score)


def _config(given: Sequence[str], settings: Mapping[str, Any]) -> DictConfig:
    """The settings that a network is looked at with.

    Raises:
        InputError: With a command's own message, if one is wrong.
    """
    if not settings:  # nothing to look through, which takes a moment
        return compose("predict", [*given, *left_to_file(given, None)])
    with asking("predict", given, settings) as request:
        return request.config


def _of_teacher(path: Path, task: str, settings: Mapping[str, Any]) -> "Model":
    """A public network in an ONNX file; see ``load``.

    Raises:
        InputError: If no task is named, or it has no use for the file.
    """
    if not task:
        raise InputError(f"{path} says nothing of its task: load(..., task='facenet_distill')")
    from tasks.common.predictions.teacher import TeacherNetwork

    given = [f"task={task}", "teacher=onnx", written("teacher.file", path)]
    with asking("predict", given, settings) as request:
        network = TeacherNetwork(request.config, request.choices)
        return Model(network, min_score=request.config.pictures.min_score)


class Model:
    """A trained network that looks at photos; made by ``load``.

    A photo is a path, a PIL image, an array ``(H, W, 3)`` or a tensor ``(3, H, W)``, of ``uint8``
    or of numbers from 0 to 1. Where one is taken, a list of them is too, and gives a list.

    Args:
        network: Looks at photos.
        min_score: Predictions below it are not drawn.
    """

    def __init__(self, network: Network, *, min_score: float) -> None:
        self.network = network
        self.min_score = min_score

    def __repr__(self) -> str:
        return repr(self.network)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that it tells apart, in the order of its outputs."""
        return self.network.names

    def to(self, device: Any) -> "Model":
        """Moves the network to a device, such as ``cuda``, and returns the model.

        Raises:
            InputError: If it is a file, whose runtime has the CPU.
        """
        self.network.move(device)
        return self

    def __call__(self, photos: Photo | Sequence[Photo]) -> Any:
        """What is in a photo, or in each of several.

        Returns:
            What ``predictions.json`` says of it but for its picture, in pixels of the photo and
            the data set's own names and ids. A photo in memory has no ``file``.

        Raises:
            InputError: If a photo cannot be read.
        """
        found = [entry for entry, _ in self._look(photos)]
        return found if is_several(photos) else found[0]

    def draw(self, photos: Photo | Sequence[Photo], *, min_score: float | None = None) -> Any:
        """A PIL image of a photo with what is found in it, or of each of several.

        Args:
            photos: One or several.
            min_score: Predictions below it are not drawn; None for the run's own bound.

        Raises:
            InputError: If a photo cannot be read.
        """
        least = self.min_score if min_score is None else min_score
        drawn = [
            Image.fromarray(
                self.network.described.draw(image.pixels, confident(entry, least), size=image.size)
            )
            for entry, image in self._look(photos)
        ]
        return drawn if is_several(photos) else drawn[0]

    def embed(self, photos: Photo | Sequence[Photo]) -> np.ndarray:
        """A point for each photo: of networks of faces the embedding, of others pooled features.

        Returns:
            ``(D,)``, float32; ``(N, D)`` for several.

        Raises:
            InputError: If a photo cannot be read.
        """
        with as_files(several(photos)) as files:
            rows = self.network.points(files)
        return rows if is_several(photos) else rows[0]

    def _look(self, photos: Photo | Sequence[Photo]) -> Iterator[tuple[Entry, DecodedImage]]:
        """The entry of each photo, and its pixels."""
        given = several(photos)
        with as_files(given) as files:
            entries: list[Entry] = []
            for seen in self.network.look_at(files):
                if seen.errors:
                    raise InputError("\n".join(seen.errors))
                entries += seen.entries
            for photo, file, entry in zip(given, files, entries, strict=True):
                image = read_image(file, huge_reduced=True)
                width, height = image.size
                named = {"file": str(photo)} if isinstance(photo, str | Path) else {}
                yield {**named, "width": width, "height": height, **entry}, image


def is_several(photos: object) -> bool:
    """Whether a list of photos is given, and not one."""
    return isinstance(photos, list | tuple)


def several(photos: Any) -> list[Photo]:
    """A list of photos, of one alone too."""
    return list(photos) if is_several(photos) else [photos]


def train(*overrides: str, **settings: Any) -> dict[str, float]:
    """Trains a task, as ``tools/train.py`` does.

    Args:
        *overrides: As on the command line, such as ``"data.root=photos"``.
        **settings: The same as arguments: ``task="imagenet"``, ``**{"optim.lr": 1e-3}``.

    Returns:
        What ``metrics.json`` says.

    Raises:
        InputError: With the command's own message, if a setting is wrong.
    """
    from tasks.common.commands.train import train as command

    with asking("train", overrides, settings) as request:
        return command(request)


def evaluate(*overrides: str, **settings: Any) -> dict[str, float]:
    """Scores a network or a teacher, as ``tools/eval.py`` does; see ``train``."""
    from tasks.common.commands.evaluate import evaluate as command
    from tasks.common.commands.evaluate_teacher import evaluate_teacher
    from tasks.common.distillation.alone import asks_for_teacher

    with asking("eval", overrides, settings) as request:
        alone = asks_for_teacher(request.config, request.choices)
        return evaluate_teacher(request) if alone else command(request)


def predict(*overrides: str, **settings: Any) -> list[Entry]:
    """Predicts on photos and draws them, as ``tools/predict.py`` does; see ``train``.

    Returns:
        What ``predictions.json`` says.
    """
    from tasks.common.commands.predict import predict as command

    with asking("predict", overrides, settings) as request:
        return list(command(request))


def export(*overrides: str, **settings: Any) -> dict[str, Entry]:
    """Writes a network for apps and checks it, as ``tools/export.py`` does; see ``train``.

    Returns:
        What ``parity.json`` says, by the name of the format.
    """
    from tasks.common.commands.export import export as command

    with asking("export", overrides, settings) as request:
        return command(request)
