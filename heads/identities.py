"""A point for a face, taught by whose face it is."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from backbone.errors import InputError
from heads.embedding import EmbeddingHead
from heads.head import Batch, Features

NO_LIBRARY = "Learning from people's names needs pytorch-metric-learning: pip install -e '.[faces]'"


class IdentityHead(EmbeddingHead):
    """An embedding in which a person's photos are to lie together, apart from other people's.

    Its network and what it predicts are an ``EmbeddingHead``'s, and so are its weights: either may
    start from the other's.

    Args:
        num_classes: People to tell apart in training; 0 for a network that only predicts.
        **embedding: See ``EmbeddingHead``.

    Attributes:
        criterion: The loss of points ``(B, dimension)`` and people ``(B,)``; None without people.

    Raises:
        InputError: If there are people and pytorch-metric-learning is not installed.
    """

    loss_name: str

    def __init__(self, *, num_classes: int, **embedding: Any) -> None:
        super().__init__(num_classes=num_classes, **embedding)
        self.criterion: nn.Module | None = None
        if num_classes:
            try:
                self.criterion = self.make_criterion(num_classes)
            except ImportError as error:
                raise InputError(NO_LIBRARY) from error

    @abstractmethod
    def make_criterion(self, num_people: int) -> nn.Module:
        """The loss, of a library that is imported here: prediction goes without."""

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """The loss of a batch whose ``target`` says whose face each is, ``(B,)``, from 0."""
        assert self.criterion is not None
        points = self.predict(features, batch)
        # distances and angles would be taken in bfloat16 under autocast
        with torch.autocast(points.device.type, enabled=False):
            return {self.loss_name: self.criterion(points, batch["target"])}

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Leaves out what belongs to people: other photos are of others."""
        return {name: x for name, x in tensors.items() if not name.startswith("criterion.")}
