"""Pictures of what a network sees, while it learns and afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from backbone.errors import check_number
from tasks.common.images.decoding import read_image
from tasks.common.images.saving import save_picture
from tasks.common.training.comparison import comparison
from tasks.common.training.lightning_task import LightningTask, lightning_task
from tasks.common.training.watching.loggers import show_picture

BOARD_WIDTH = 640


class ValidationPictures(Callback):
    """Draws the truth beside the prediction for some validation photos, which stand for all.

    Args:
        folder: Gets a JPEG for each photo, drawn over at every validation.
        count: Photos to draw.
        min_score: Predictions below it are not drawn.
    """

    def __init__(self, folder: Path, *, count: int, min_score: float) -> None:
        check_number("pictures.count", count, at_least=0, whole=True)
        self.folder = folder
        self.count = count
        self.min_score = min_score
        self._chosen: list[int] = []  # the same at every validation

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.count and not self._chosen:
            data = lightning_task(pl_module).data
            total = len(data.val_set)  # type: ignore[arg-type]
            seen = int(sum(trainer.num_val_batches)) * data.batch_size * trainer.world_size
            self._chosen = data.telling_photos(self.count, among=min(seen, total))

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Mapping[str, Any],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        places = {index: place for place, index in enumerate(batch["id"].tolist())}
        chosen = [index for index in self._chosen if index in places]
        if not chosen:
            return
        module = lightning_task(pl_module)
        entries = module.task.entries(outputs)
        for index in chosen:
            self._draw(trainer, module, index, entries[places[index]])

    def _draw(
        self, trainer: Trainer, module: LightningTask, index: int, entry: Mapping[str, Any]
    ) -> None:
        photo, truth = module.data.val_photo(index)
        image = read_image(photo, huge_reduced=True)
        picture = comparison(module.task, image, truth=truth, entry=entry, min_score=self.min_score)
        # numbered, since photos of different folders may share a name
        save_picture(self.folder / f"{index:05d}_{Path(str(photo)).stem}.jpg", picture)
        for logger in trainer.loggers:
            name = f"truth, prediction/{Path(str(photo)).stem}"
            show_picture(logger, name, for_board(picture), step=trainer.global_step)


def validation_pictures(folder: Path, settings: Mapping[str, Any] | None) -> list[Callback]:
    """The callback that draws in a run folder; none where ``pictures=null`` wants none."""
    return [ValidationPictures(folder / "pictures", **settings)] if settings is not None else []


def for_board(picture: np.ndarray) -> np.ndarray:
    """A picture at the width that boards show; the file has it in full."""
    height, width = picture.shape[:2]
    if width <= BOARD_WIDTH:
        return picture
    size = BOARD_WIDTH, max(round(height * BOARD_WIDTH / width), 1)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
