"""A task's network as an app calls it: pixels of a camera in, predictions out."""

import copy

import torch
from torch import Tensor, nn

from backbone.batch_norm import fold
from tasks.common.training.task import Task, normalised


class Deployed(nn.Module):
    """A copy of a network with what its photos need before it and its outputs after it.

    Args:
        task: With trained weights; it stays as it is.

    Attributes:
        image_size: Side of the input in pixels.
        names: Of the outputs, in their order.
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        # at once: a head may run the backbone's tail
        self.backbone, self.head = copy.deepcopy((task.backbone, task.head))
        self.image_size = task.image_size
        # in plain order: some runtimes take what is channels last for something else
        self.cpu().to(memory_format=torch.contiguous_format).eval()
        fold(self)
        with torch.no_grad():
            self.names = tuple(self.predictions(self.example(1)))

    def example(self, number: int) -> Tensor:
        """As many black photos."""
        side = self.image_size
        return torch.zeros(number, side, side, 3, dtype=torch.uint8)

    def predictions(self, image: Tensor) -> dict[str, Tensor]:
        """What the head gives of each photo, by name: see ``Head.deployed``.

        Args:
            image: RGB, ``uint8``, shape ``(B, S, S, 3)``.
        """
        pixels = normalised(image.permute(0, 3, 1, 2))
        features = self.backbone(pixels, tail=not self.head.runs_tail)
        return self.head.deployed(features, pixels)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.predictions(image).values())
