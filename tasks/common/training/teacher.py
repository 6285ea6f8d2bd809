"""Where targets come from that no label gives."""

from abc import ABC, abstractmethod

from torch import Tensor

from heads.head import Batch


class Teacher(ABC):
    """Sets the targets of a batch.

    No module: it is neither saved nor optimised with what it teaches.

    Attributes:
        trained_on: Data sets that it has learned from, and its student through it.
    """

    trained_on: list[str]

    @abstractmethod
    def __call__(self, batch: Batch) -> Tensor:
        """Targets for the photos of a batch, ``(B, ...)``."""

    def __deepcopy__(self, _: object) -> "Teacher":
        return self  # for the running average of a student, which needs no second teacher
