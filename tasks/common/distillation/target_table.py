"""A teacher's targets on disk: computed once, by a run that can be stopped, for many trainings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor

from backbone.errors import InputError
from heads.head import Batch
from tasks.common.data.module import DataModule
from tasks.common.distillation.network_teacher import NetworkTeacher, order_of
from tasks.common.files.keyed_rows import KeyedRows, photo_keys
from tasks.common.machine.computing import Computing
from tasks.common.machine.hardware import fastest_precision
from tasks.common.machine.steps import steps_of
from tasks.common.machine.stopping import GOES_ON, keeping
from tasks.common.training.teacher import Teacher
from tasks.common.training.trainer_settings import computing_of

SHARD = 2048  # photos between two writes


class TableTeacher(Teacher):
    """Looks targets up by the content of the photo, and by whether it is shown mirrored.

    They are those of the photo as it is: the student learns to give them for however it is shown.
    Data whose batches do not say ``mirrored`` get the mean of both views.

    Args:
        file: Folder that ``write_targets`` wrote.
        data: Whose training photos have their targets there.

    Raises:
        InputError: If it is of other classes or of photos prepared otherwise, or lacks some.
    """

    def __init__(self, *, file: str, data: DataModule) -> None:
        self.rows = KeyedRows(Path(str(file)), setting="teacher.file")
        description = self.rows.description()
        if missing := {"teacher", "photos", "classes"} - description.keys():
            raise InputError(
                f"teacher.file={file} is no table of a teacher: it does not say which "
                f"{', '.join(sorted(missing))}. Make one with tools/cache_teacher.py"
            )
        self.trained_on = description["teacher"]["trained_on"]
        self.order = order_of(description["classes"], data, setting=f"teacher.file={file}")
        prepared = data.preparation()
        if description["photos"] != prepared:
            raise InputError(
                f"teacher.file={file} is of photos prepared as {description['photos']}, and the "
                f"data are prepared as {prepared}. Make it anew with tools/cache_teacher.py"
            )
        paths = data.train_paths()
        self.places = self.rows.find(photo_keys(paths))
        lacking = np.flatnonzero(self.places < 0)
        if len(lacking):
            raise InputError(
                f"teacher.file={file} lacks {len(lacking)} of {len(paths)} photos, such as "
                f"{paths[lacking[0]]}. Run tools/cache_teacher.py with these data again: it adds "
                "what is missing"
            )

    def __call__(self, batch: Batch) -> Tensor:
        places = self.places[batch["id"].cpu().numpy()]
        views = torch.from_numpy(self.rows.values(places).astype(np.float32))  # (B, 1 or 2, D)
        if self.order:
            views = views[..., self.order]
        if "mirrored" not in batch:
            return views.mean(dim=1).to(batch["image"].device)
        mirrored = batch["mirrored"].cpu().long() % views.shape[1]
        return views[torch.arange(len(views)), mirrored].to(batch["image"].device)


def write_targets(
    teacher: NetworkTeacher, data: DataModule, folder: Path, *, trainer: DictConfig
) -> str:
    """Writes the targets of a data set's training photos that the folder does not have yet.

    A target is a float16, exact to 0.05%. A photo has two, for itself and its mirror image, unless
    the teacher sums both.

    Args:
        teacher: Looks at the photos as they are, at its own size.
        data: With the photos.
        folder: May be one that an earlier run began.
        trainer: Its section: on that device and in that precision the teacher works, as beside a
            student.

    Returns:
        What was done.
    """
    computing = computing_of(trainer, auto=fastest_precision())
    rows = KeyedRows(folder, setting="output")
    rows.describe(
        {
            "teacher": teacher.description(),
            "photos": data.preparation(),
            "classes": list(data.label_map.names),  # in the order of a target's numbers
        }
    )
    paths = data.train_paths()
    keys = photo_keys(paths)
    wanted = np.flatnonzero(rows.find(keys) < 0)
    _, first = np.unique(keys[wanted], return_index=True)  # copies of a photo share a target
    wanted = wanted[np.sort(first)]
    shards = [wanted[start : start + SHARD] for start in range(0, len(wanted), SHARD)]
    with keeping(GOES_ON):
        for shard in steps_of(shards, "photos shown to the teacher", size=len):
            rows.add(keys[shard], _targets(teacher, data, shard.tolist(), computing=computing))
    return f"{len(wanted)} targets added to {folder}, {len(paths) - len(wanted)} were there"


def _targets(
    teacher: NetworkTeacher, data: DataModule, indices: Sequence[int], *, computing: Computing
) -> np.ndarray:
    """Float16 ``(N, 1 or 2, D)``."""
    views: list[Tensor] = []
    photos = data.plain_train_set(teacher.image_size)
    for batch in data.loader(photos, [(0, index) for index in indices]):
        image = computing.move(batch["image"])
        images = [image] if getattr(teacher, "add_mirror", False) else [image, image.flip(-1)]
        with computing.autocast():
            views.append(torch.stack([teacher({"image": view}) for view in images], dim=1).cpu())
    return torch.cat(views).half().numpy()
