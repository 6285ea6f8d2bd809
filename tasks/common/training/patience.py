"""Ends a training that has stopped to get better."""

import logging
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from backbone.errors import check_number

logger = logging.getLogger(__name__)


class Patience(EarlyStopping):
    """Lightning's early stopping by a figure that is to be high, which says so.

    A run that goes on from a checkpoint counts on; one that had ended has.

    Args:
        monitor: The figure.
        validations: As many in a row without a better one end the training.

    Raises:
        InputError: If that is not a whole number from 1.
    """

    def __init__(self, *, monitor: str, validations: int) -> None:
        check_number("trainer.patience", validations, at_least=1, whole=True)
        super().__init__(
            monitor,
            patience=validations,
            mode="max",
            check_finite=False,  # a figure of no photos is no number, and says nothing
            check_on_train_epoch_end=False,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({**state_dict, "patience": self.patience})  # as it is set now

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.wait_count >= self.patience:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.wait_count >= self.patience and trainer.is_global_zero:
            logger.info(
                "%s has not risen in %d validations: trainer.patience=%d ends the training",
                self.monitor,
                self.wait_count,
                self.patience,
            )
