"""Writes and draws what is found in each photo, as it comes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter

from tasks.common.images.decoding import image_size, read_image
from tasks.common.predictions.chosen import Chosen
from tasks.common.predictions.drawing import Pictures
from tasks.common.predictions.entries import EntryFile
from tasks.common.report import counted
from tasks.common.training.task import Task

STRETCHED = 4  # sides whose relation is more are far from what a square shows of them


class PredictionWriter(BasePredictionWriter):
    """Adds an entry to the file for each photo, after its picture is drawn.

    Attributes:
        errors: A message for each photo that could not be read.
        stretched: How many photos have a side many times the other.

    Args:
        photos: All of them, by whose order their pictures are numbered.
        looked_at: The places in there of those that are looked at now.
        entries: Get one dictionary a photo, with its ``file``.
        chosen: What of it is of interest.
        pictures: None for no pictures.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        looked_at: Sequence[int],
        entries: EntryFile,
        *,
        chosen: Chosen,
        pictures: Pictures | None,
    ) -> None:
        super().__init__(write_interval="batch")
        self.photos = photos
        self.looked_at = looked_at
        self.entries = entries
        self.chosen = chosen
        self.pictures = pictures
        self.errors: list[str] = []
        self.stretched = 0

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Any,
        batch_indices: Any,
        batch: Mapping[str, Any],
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        assert isinstance(pl_module, Task)
        self.errors += batch["errors"]
        if prediction is None:
            return
        found = pl_module.entries(prediction)
        ids = dict.fromkeys(batch["id"].tolist())  # once, of a photo that was seen in parts
        for index, entry in zip(ids, found, strict=True):
            self._write(pl_module, self.looked_at[index], self.chosen(entry))

    def _write(self, task: Task, number: int, entry: Mapping[str, Any]) -> None:
        photo = self.photos[number]
        said: dict[str, Any] = {"file": str(photo)}
        if self.pictures:
            image = read_image(photo, huge_reduced=True)
            said["picture"] = self.pictures.draw(task, photo, number, image, entry)
            width, height = image.size
        else:
            width, height = image_size(photo)
        self.stretched += max(width, height) > STRETCHED * min(width, height)
        self.entries.add({**said, "width": width, "height": height, **entry})

    def notes(self, *, in_parts: bool) -> list[str]:
        """What to say of photos that a square shows badly.

        Args:
            in_parts: Whether the task can look at photos part by part, and has not.
        """
        if not (self.stretched and in_parts):
            return []
        photos = counted(self.stretched, "photo has", "photos have")
        return [
            f"{photos} a side over {STRETCHED} times the other, and a square shows them squashed: "
            "tile=300 looks at them part by part"
        ]
