"""What a task expects of every head."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from backbone.backbone import Backbone
from backbone.errors import InputError

Features = Mapping[str, Tensor]
Batch = Mapping[str, Any]


class Undecoded(NamedTuple):
    """Raw outputs, and what they are decoded by.

    Attributes:
        outputs: By name, each with a row a photo.
        places: By name, what boxes are relative to; the same for all photos.
        coding: How, in words and numbers.
    """

    outputs: dict[str, Tensor]
    places: dict[str, Tensor]
    coding: dict[str, Any]


class Head(nn.Module, ABC):
    """Output layers, their loss and the decoding of their outputs.

    A head never logs, reads a file, or knows the optimiser or the data set.

    Attributes:
        name: As in a weights file's description.
        needed_strides: Of the features whose strides it relies on.
        runs_tail: Whether it runs the backbone's tail itself, on crops of ``c4``. Then only the
            trunk runs on the image, and whoever joins the two sets ``tail``.
        tail: The backbone's method, so that the parameters stay the backbone's.
        cuts_crops: Whether it looks again at boxes cut out of maps, which few runtimes can.
        takes_any_size: Whether its weights serve images of another size than they were made for.
        predicts: What it predicts of each image, where that is one tensor.
        free_settings: Of the class's own arguments those that may change while the weights stay:
            what they start from, what they learn from, and what is chosen among the outputs. All
            others are in ``settings()``. A part that a head is made of may have some, too.
    """

    name: str
    needed_strides: Mapping[str, int] = {}
    runs_tail: bool = False
    tail: Callable[[Tensor], Tensor]
    cuts_crops: bool = False
    takes_any_size: bool = False
    predicts: str = "probabilities"
    free_settings: tuple[str, ...] = ()

    @abstractmethod
    def outputs(self, features: Features) -> Any:
        """The network part: features to raw outputs of static shapes.

        It exports as a whole, but for heads that choose between two networks, which say so.
        """

    @abstractmethod
    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """Scalars by name; their sum is minimised. The same in training and evaluation mode."""

    @abstractmethod
    def predict(self, features: Features, batch: Batch) -> Any:
        """Decoded predictions, in network input coordinates and the network's class order."""

    def deployed(self, features: Features, image: Tensor) -> dict[str, Tensor]:
        """What a network in a file for an app gives: predictions of fixed shapes, by name.

        Args:
            features: Of the backbone.
            image: What they were computed from, for its sides.
        """
        return {self.predicts: self.predict(features, {"image": image})}

    def from_deployed(self, found: Mapping[str, Tensor], image: Tensor) -> Any:
        """What ``predict`` gives, from what ``deployed`` gave.

        Args:
            found: By name; or outputs and places of ``undecoded``.
            image: The photos, for their sides.
        """
        return found[self.predicts]

    def undecoded(self, features: Features, image: Tensor) -> "Undecoded":
        """What a network in a file gives to apps that decode by themselves.

        Args:
            features: Of the backbone.
            image: What they were computed from, for its sides.

        Raises:
            InputError: If there is nothing to decode, or too much for an app.
        """
        raise InputError(
            f"decoded=false is for detectors that look once, such as head=ssd, not head={self.name}"
        )

    def tables(self) -> dict[str, Tensor]:
        """What this head knows beside its weights and a file for an app leaves out, by name."""
        return {}

    def settings(self) -> dict[str, Any]:
        """Plain settings that shapes or meaning of this head's tensors depend on, saved with them.

        Keyed as the constructor's arguments, or as those of a part that it takes.
        """
        return {}

    def select_classes(
        self, tensors: Mapping[str, Tensor], classes: Sequence[int] | None
    ) -> dict[str, Tensor]:
        """Fits saved tensors of this head to other classes.

        Args:
            tensors: Keyed as this head's state dict.
            classes: For each class of this head, its index among the saved classes; None when
                they have nothing to do with each other and the class layers start anew.
        """
        return dict(tensors)


def check_strides(head: Head, backbone: Backbone) -> None:
    """Refuses a head that relies on other strides than the backbone's features have.

    Raises:
        InputError: Naming both.
    """
    needed = dict(head.needed_strides)
    if any(backbone.strides.get(key) != stride for key, stride in needed.items()):
        raise InputError(
            f"head={head.name} needs features of strides {needed}, and "
            f"backbone={backbone.name} has {dict(backbone.strides)}"
        )
