"""Attributes of all faces in photos."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from backbone.errors import InputError, check_number
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_output
from tasks.common.machine.cores import take_cores
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.restoring import restored
from tasks.face_attributes.describing import named_attributes
from tasks.face_attributes.task import FaceAttributesTask
from tasks.faces.finders import check_alignment, finder_of, searches
from tasks.faces.photos import describe_faces

LEGEND = "The faces that were found, and how sure the network is of what each of them shows."


def describe_people(request: Request) -> Path:
    """Finds all faces in photos and writes on each what it shows.

    Args:
        request: Of ``configs/demo_face_attributes.yaml``, with ``checkpoint`` and
            ``input``.

    Returns:
        The contact sheet of some of the pictures, in the folder with all of them.

    Raises:
        InputError: If no network of attributes is in the checkpoint.
    """
    config = request.config
    alignment = str(config.alignment)
    take_cores(config, loads=False)
    source = Path(str(config.checkpoint))
    results = claim_output(request, reads=[source])
    task = restored(request.stored or Checkpoint.of_run(source)).eval()
    if not isinstance(task, FaceAttributesTask):
        raise InputError(f"checkpoint={source} is of another task than face attributes")
    check_alignment(alignment, setting="alignment")
    check_number("framing.scale", config.framing.scale, above=0)
    check_number("framing.shift", config.framing.shift, at_least=-1, at_most=1)

    @torch.no_grad()
    def describe(views: Tensor) -> list[dict[str, Any]]:
        scores = task.predictions({"image": views}).float().tolist()
        return [{"attributes": named} for named in named_attributes(scores, task.label_map)]

    def caption(face: Mapping[str, Any]) -> list[str]:
        return [
            f"{attribute['name']} {attribute['score']:.0%}"
            for attribute in face["attributes"]
            if attribute["score"] >= config.pictures.min_score
        ]

    return describe_faces(
        config.input,
        results,
        describe,
        side=task.image_size,
        finder=finder_of(alignment, every_face=True) if searches(alignment) else None,
        caption=caption,
        legend=LEGEND,
        **config.framing,
    )
