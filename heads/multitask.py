"""Several heads side by side on one backbone."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from backbone.errors import InputError, check_number, settings_of
from heads.head import Batch, Features, Head
from heads.parts import of_part


class MultitaskHead(Head):
    """Heads that share a backbone; each learns from its own share of a batch.

    Args:
        in_channels: Channels of each backbone feature.
        num_classes: Of each part, by its name, or the same for all.
        parts: Makes the heads, by name.
        weights: What the losses of each part are multiplied with.

    Raises:
        InputError: If the weights are of other parts, or one is negative.
    """

    name = "multitask"
    free_settings = ("weights",)

    def __init__(
        self,
        *,
        in_channels: Mapping[str, int],
        num_classes: Any,
        parts: Mapping[str, Callable[..., Head]],
        weights: Mapping[str, float],
    ) -> None:
        super().__init__()
        check_parts("head.weights", weights, parts=parts)
        if isinstance(num_classes, Mapping):
            check_parts("task.parts", num_classes, parts=parts)
        for name, weight in weights.items():
            check_number(f"head.weights.{name}", weight, at_least=0)
        self.weights = dict(weights)
        self.parts = nn.ModuleDict()
        for name, part in parts.items():
            number = num_classes[name] if isinstance(num_classes, Mapping) else num_classes
            with settings_of("head", f"parts.{name}"):
                self.parts[name] = part(in_channels=in_channels, num_classes=number)
        self.runs_tail = all(head.runs_tail for _, head in self.heads())
        self.cuts_crops = any(head.cuts_crops for _, head in self.heads())

    def heads(self) -> Iterator[tuple[str, Head]]:
        """The parts by name."""
        for name, head in self.parts.items():
            assert isinstance(head, Head)
            yield name, head

    def outputs(self, features: Features) -> dict[str, Any]:
        """Raw outputs of every part for all images, by its name."""
        return {name: head.outputs(features) for name, head in self.heads()}

    def loss(self, features: Features, batch: Batch) -> dict[str, Tensor]:
        """The losses of each part on its share, weighted, as ``part/loss``."""
        heads = dict(self.heads())
        losses: dict[str, Tensor] = {}
        for name, own, share in shares(batch, features):
            with settings_of("head", f"parts.{name}"):
                of_part = heads[name].loss(share, own)
            losses |= {f"{name}/{key}": self.weights[name] * of_part[key] for key in of_part}
        return losses

    def predict(self, features: Features, batch: Batch) -> dict[str, Any]:
        """Predictions of every part for all images, by its name."""
        return {name: head.predict(features, batch) for name, head in self.heads()}

    def deployed(self, features: Features, image: Tensor) -> dict[str, Tensor]:
        """Those of every part, as ``part_name``."""
        return {
            f"{part}_{name}": value
            for part, head in self.heads()
            for name, value in head.deployed(features, image).items()
        }

    def from_deployed(self, found: Mapping[str, Tensor], image: Tensor) -> dict[str, Any]:
        """Predictions of every part, by its name."""
        return {
            part: head.from_deployed(of_part(part, found), image) for part, head in self.heads()
        }

    def tables(self) -> dict[str, Tensor]:
        """Those of every part."""
        return {
            f"parts.{part}.{name}": value
            for part, head in self.heads()
            for name, value in head.tables().items()
        }

    def settings(self) -> dict[str, Any]:
        """The name and settings of each part."""
        return {
            "parts": {name: {"name": head.name, **head.settings()} for name, head in self.heads()}
        }

    def select_classes(self, tensors: Mapping[str, Tensor], classes: Any) -> dict[str, Tensor]:
        """As each part does it; ``classes`` by its name, or None for all."""
        selected: dict[str, Tensor] = {}
        for name, head in self.heads():
            prefix = f"parts.{name}."
            own = {key[len(prefix) :]: tensors[key] for key in tensors if key.startswith(prefix)}
            kept = head.select_classes(own, classes and classes[name])
            selected |= {prefix + key: tensor for key, tensor in kept.items()}
        return selected


def shares(batch: Batch, features: Features) -> Iterator[tuple[str, Batch, Features]]:
    """What each part has of a batch: its name, its batch and its features.

    Args:
        batch: ``image`` of all parts, one after the other, and ``parts``, by name: whatever else
            the part's batch has, of which ``id`` says how many of the images are its own.
        features: Of all images.
    """
    start = 0
    for name, own in batch["parts"].items():
        rows = slice(start, start + len(own["id"]))
        start = rows.stop
        share = {key: feature[rows] for key, feature in features.items()}
        yield name, {**own, "image": batch["image"][rows]}, share


def check_parts(setting: str, named: Mapping[str, Any], *, parts: Mapping[str, Any]) -> None:
    """Raises an InputError unless a setting names exactly the parts there are."""
    if unknown := named.keys() - parts.keys():
        raise InputError(f"{setting}.{min(unknown)}: there is no such part. {_listed(parts)}")
    if missing := parts.keys() - named.keys():
        raise InputError(f"{setting} lacks {min(missing)}. {_listed(parts)}")


def check_part(setting: str, name: Any, *, parts: Mapping[str, Any]) -> None:
    """Raises an InputError unless a setting is the name of a part."""
    if name not in parts:
        raise InputError(f"{setting}={name}: there is no such part. {_listed(parts)}")


def _listed(parts: Mapping[str, Any]) -> str:
    return f"The parts are {', '.join(parts)}"
