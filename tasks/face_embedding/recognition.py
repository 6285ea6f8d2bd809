"""Names the faces in photos by the nearest of people that are known."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from backbone.errors import InputError, check_number
from tasks.common.commands.recording import say
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.data.module import stack_images
from tasks.common.distillation.alone import (
    asks_for_teacher,
    check_teacher,
    teacher_and_data,
    teacher_as_task,
)
from tasks.common.images.decoding import read_image
from tasks.common.images.finding import is_aside, is_image_name, list_images
from tasks.common.machine.cores import take_cores
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.restoring import restored
from tasks.common.settings.writing import settings_in
from tasks.common.training.task import Task
from tasks.face_embedding.faces import find_faces
from tasks.face_embedding.task import FaceEmbeddingTask
from tasks.face_embedding.verification import NAMING_FAR, distance_at_far, stranger_distances
from tasks.faces.alignment import show
from tasks.faces.finders import MTCNN, check_alignment, finder_of, name_of, searches
from tasks.faces.photos import describe_faces

BATCH = 32
TEACHER_NAMED = "task=facenet_distill teacher=onnx teacher.file=%s"
CAUTIOUS_DISTANCE = 0.3  # at which even a small network names few strangers, if nothing tells more
NOT_FITTED = (
    "%s does not say at which distance two faces are the same person: %.2f is taken, by the people "
    "known. Find the one that fits with tools/eval.py %s data.pairs=FILE data.pairs_root=DIR, and "
    "give the max_distance=N that it prints"
)

logger = logging.getLogger(__name__)
LEGEND = (
    "The faces that were found: the known person who is nearest to each, and the squared distance."
)


class Known(NamedTuple):
    """The people that faces can be named after.

    Attributes:
        names: Of these.
        centres: The mean embedding of each, of length 1, ``(K, D)``.
        apart: How far photos of two of them are from each other, nearly all; 0 of one alone.
    """

    names: list[str]
    centres: Tensor
    apart: float


def recognise(request: Request) -> Path:
    """Finds all faces in photos, names those that are near a known person's, and draws both.

    Args:
        request: Of ``configs/demo_facenet_distill.yaml``, with ``known``, ``input`` and
            ``checkpoint`` or a teacher.

    Returns:
        The contact sheet of some of the pictures, in the folder with all of them.

    Raises:
        InputError: If one of the three is missing, or the network is none of faces.
    """
    config = request.config
    is_teacher = asks_for_teacher(config, request.choices)
    source = config.teacher.file if is_teacher else config.checkpoint
    if not (source and config.input):
        raise InputError(
            "known=DIR needs input=PHOTOS too, and checkpoint=FILE, or teacher=onnx "
            "teacher.file=FILE for a public network"
        )
    if not is_teacher:  # which takes them itself
        take_cores(config, loads=False)
    results = claim_output(request, reads=[source])
    network = teacher_of(request) if is_teacher else trained_on_faces(request)
    task, alignment = network.task, network.alignment
    check_alignment(alignment)
    max_distance = network.max_distance if config.max_distance is None else config.max_distance
    if max_distance is not None:
        check_number("max_distance", max_distance, at_least=0, at_most=4)
    known = known_people(
        task, Path(str(config.known)), alignment=alignment, cache=Path(str(config.data.cache))
    )
    if max_distance is None:
        max_distance = known.apart or CAUTIOUS_DISTANCE
        network_named = TEACHER_NAMED if is_teacher else "checkpoint=%s"
        logger.warning(NOT_FITTED, source, max_distance, network_named % source)

    def describe(views: Tensor) -> list[dict[str, Any]]:
        return name_faces(embed(task, views), known.names, known.centres, max_distance=max_distance)

    sheet = describe_faces(
        config.input,
        results,
        describe,
        side=task.image_size,
        finder=finder_of(alignment, every_face=True) if searches(alignment) else None,
        caption=_caption,
        legend=LEGEND,
    )
    if Path(str(config.known)).is_file():
        for line in _comparison(sheet.with_name("predictions.json"), Path(str(config.known))):
            logger.info("%s", line)
    return sheet


class FaceNetwork(NamedTuple):
    """A network that knows faces apart.

    Attributes:
        task: With the network.
        alignment: Of the faces that it knows, see ``find_faces``.
        max_distance: That has been fitted to it, from the nearest known person; None for none.
    """

    task: Task
    alignment: str
    max_distance: float | None


def trained_on_faces(request: Request) -> FaceNetwork:
    """That of a checkpoint.

    Raises:
        InputError: If it is of another task.
    """
    source = Path(str(request.config.checkpoint))
    checkpoint = request.stored or Checkpoint.of_run(source)
    task = restored(checkpoint).eval()
    if not isinstance(task, FaceEmbeddingTask):
        raise InputError(f"checkpoint={source} is of another task than face embeddings")
    own = checkpoint.values["data"]["alignment"]
    alignment = asked_alignment(request) or own
    is_fitted = name_of(alignment) == name_of(own)  # a distance belongs to how faces are aligned
    max_distance = checkpoint.description.get("max_distance") if is_fitted else None
    return FaceNetwork(task, alignment, max_distance)


def teacher_of(request: Request) -> FaceNetwork:
    """A public network in a file, which takes aligned faces.

    Raises:
        InputError: If it is named for another task.
    """
    check_teacher(request.config, request.choices)
    data, teacher = teacher_and_data(request.config, request.choices, draws=False)
    task = teacher_as_task(request.config, data, teacher).eval()
    if not isinstance(task, FaceEmbeddingTask):
        raise InputError(f"task={request.choices['task']}: known=DIR is for face embeddings")
    return FaceNetwork(task, asked_alignment(request) or MTCNN, None)


def asked_alignment(request: Request) -> str | None:
    """The alignment that the user gave; the demo's own is that of drawn faces."""
    given = "data.alignment" in settings_in(request.overrides)
    return str(request.config.data.alignment) if given else None


def _comparison(predictions: Path, known: Path) -> list[str]:
    """How far each face is from that of a photo, a line each."""
    lines = []
    for entry in json.loads(predictions.read_text(encoding="utf-8")):
        for face in entry["faces"]:
            who = "the same person" if face["name"] else "another person"
            lines.append(f"{entry['file']}: {face['distance']:.3f} from {known}, {who}")
        if not entry["faces"]:
            lines.append(f"{entry['file']}: no face found")
    return lines


def known_people(task: Task, folder: Path, *, alignment: str, cache: Path) -> Known:
    """The people that have a folder of photos, or a photo that is called as they are.

    Args:
        task: With the network.
        folder: With these; or one photo, of the only person known.
        alignment: See ``find_faces``.
        cache: The same.

    Raises:
        InputError: If there is no such folder, or nobody in it.
    """
    people = _photos_of_people(folder)
    if not any(people.values()):
        raise InputError(f"known={folder}: needs a folder of photos for each person, or NAME.jpg")
    return people_in(
        people, partial(embed, task), side=task.image_size, alignment=alignment, cache=cache
    )


def people_in(
    people: Mapping[str, Sequence[Path]],
    embed: Callable[[Tensor], Tensor],
    *,
    side: int,
    alignment: str,
    cache: Path,
) -> Known:
    """The people who are in photos.

    Args:
        people: Photos of each, by name.
        embed: From pictures of faces ``(N, 3, S, S)`` to points ``(N, D)``.
        side: Of these pictures.
        alignment: See ``find_faces``.
        cache: The same.

    Raises:
        InputError: If no photo shows a face.
    """
    paths = [path for photos in people.values() for path in photos]
    whose = [number for number, photos in enumerate(people.values()) for _ in photos]
    faces = find_faces(
        paths, alignment=alignment, cache=cache, on_bad_image="skip", needed=False, people=whose
    )
    say(faces.notes)
    views = [
        show(read_image(faces.path(index)).pixels, frame, side)
        for index, frame in enumerate(faces.frames)
    ]
    points = embed(stack_images(views, side))
    there = np.unique(faces.people)
    means = [points[torch.from_numpy(faces.people == number)].mean(0) for number in there]
    strangers = stranger_distances(points.double().cpu().numpy(), faces.people.tolist())
    return Known(
        [list(people)[number] for number in there],
        F.normalize(torch.stack(means)),
        distance_at_far(strangers, NAMING_FAR),
    )


def _photos_of_people(folder: Path) -> dict[str, list[Path]]:
    if folder.is_file():
        return {folder.stem: [folder]}
    if not folder.is_dir():
        raise InputError(f"known={folder}: there is no such folder or photo")
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not is_aside(path))
    people = {path.name: list_images(path) for path in inside}
    for photo in sorted(filter(is_image_name, folder.iterdir())):
        people.setdefault(photo.stem, []).append(photo)
    return people


@torch.no_grad()
def embed(task: Task, views: Tensor) -> Tensor:
    """Embeddings of pictures of faces ``(N, 3, S, S)``, of shape ``(N, D)``."""
    return torch.cat([task.predictions({"image": part}) for part in views.split(BATCH)])


def name_faces(
    embeddings: Tensor, names: Sequence[str], centres: Tensor, *, max_distance: float
) -> list[dict[str, Any]]:
    """The nearest known person of each face, if near enough.

    Args:
        embeddings: ``(F, D)``.
        names: Of the ``K`` people.
        centres: Their embeddings, ``(K, D)``.
        max_distance: Squared; a face farther than this from all of them is of nobody known.

    Returns:
        ``name``, None for nobody known, and ``distance`` to the nearest.
    """
    if not len(embeddings):
        return []
    distances, nearest = torch.cdist(embeddings, centres).square().min(1)
    return [
        {"name": names[person] if distance <= max_distance else None, "distance": distance}
        for distance, person in zip(distances.tolist(), nearest.tolist(), strict=True)
    ]


def _caption(face: Mapping[str, Any]) -> list[str]:
    return [f"{face['name'] or 'nobody known'} {face['distance']:.2f}"]
