"""A task's network as an app calls it: pixels of a camera in, predictions out."""

import copy

import torch
from torch import Tensor, nn

from backbone.batch_norm import fold
from heads.head import Features, Undecoded
from tasks.common.training.task import Task, normalised

MAX_BATCH = 1024  # of a network that takes any number of photos; exporters want a bound


class Deployed(nn.Module):
    """A copy of a network with what its photos need before it and its outputs after it.

    Args:
        task: With trained weights; it stays as it is.
        decoded: Whether detectors give detections; otherwise what these are made of.

    Attributes:
        image_size: Side of the input in pixels.
        names: Of the outputs, in their order.

    Raises:
        InputError: If there is nothing to decode.
    """

    def __init__(self, task: Task, *, decoded: bool = True) -> None:
        super().__init__()
        # at once: a head may run the backbone's tail
        self.backbone, self.head = copy.deepcopy((task.backbone, task.head))
        self.image_size = task.image_size
        self.decoded = decoded
        # in plain order: some runtimes take what is channels last for something else
        self.cpu().to(memory_format=torch.contiguous_format).eval().requires_grad_(False)
        fold(self)
        with torch.no_grad():
            self.names = tuple(self.predictions(self.example(1)))

    def example(self, number: int) -> Tensor:
        """As many black photos."""
        side = self.image_size
        return torch.zeros(number, side, side, 3, dtype=torch.uint8)

    def predictions(self, image: Tensor) -> dict[str, Tensor]:
        """What the head gives of each photo, by name: ``Head.deployed`` or ``Head.undecoded``.

        Args:
            image: RGB, ``uint8``, shape ``(B, S, S, 3)``.
        """
        return self.of_pixels(image.permute(0, 3, 1, 2))

    def of_pixels(self, pixels: Tensor) -> dict[str, Tensor]:
        """The same of photos as ``(B, 3, S, S)``, whose values are from 0 to 255."""
        image = normalised(pixels)
        if not self.decoded:
            return self.head.undecoded(self._features(image), image).outputs
        return self.head.deployed(self._features(image), image)

    def _features(self, image: Tensor) -> Features:
        features: Features = self.backbone(image, tail=not self.head.runs_tail)
        return features

    @torch.no_grad()
    def undecoded(self) -> Undecoded:
        """What the head says of a black photo, and what its outputs are decoded by."""
        image = normalised(self.example(1).permute(0, 3, 1, 2))
        return self.head.undecoded(self._features(image), image)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.predictions(image).values())

    def program(self, batch: int | None) -> torch.export.ExportedProgram:
        """The operations on so many photos; None for any number."""
        number = {0: torch.export.Dim("batch", min=1, max=MAX_BATCH)}
        shapes = None if batch else (number,)
        return torch.export.export(self, (self.example(batch or 2),), dynamic_shapes=shapes)
