"""Class names and category ids, kept together from the data set to the prediction."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backbone.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelMap:
    """The classes of a data set, in the order of a network's outputs.

    Class ``i`` is called ``names[i]`` and has the id ``ids[i]`` in the data set's own files; ids
    may have gaps and start anywhere. A background class is never listed: heads that need one add
    it.

    Raises:
        InputError: If names or ids repeat, or their counts differ.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.ids):
            raise InputError(f"{len(self.names)} class names for {len(self.ids)} class ids")
        for what, values in (("name", self.names), ("id", self.ids)):
            counts = Counter(values)
            repeated = sorted((value for value in counts if counts[value] > 1), key=str)
            if repeated:
                raise InputError(
                    f"Class {what} used more than once: {', '.join(map(str, repeated))}"
                )

    def __len__(self) -> int:
        return len(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for checkpoints and metadata files."""
        return {"names": list(self.names), "ids": list(self.ids)}

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> "LabelMap":
        """The inverse of ``to_dict``."""
        if "parts" in saved:
            parts = saved["parts"].items()
            return joint_labels({name: LabelMap.from_dict(part) for name, part in parts})
        return LabelMap(tuple(map(str, saved["names"])), tuple(map(int, saved["ids"])))

    def of(self, part: str) -> "LabelMap":
        """The classes of a part of the network: these, unless each part has its own."""
        return self

    def places_in(self, saved: "LabelMap") -> Any:
        """The index of each class in ``saved``, for ``Head.select_classes``; None if one is not."""
        if set(self.names) - set(saved.names):
            return None
        return [saved.names.index(name) for name in self.names]


@dataclass(frozen=True)
class JointLabels(LabelMap):
    """The classes of several parts; ``names`` are ``part/name``, ``ids`` count them."""

    parts: Mapping[str, LabelMap]

    def to_dict(self) -> dict[str, Any]:
        parts = {name: part.to_dict() for name, part in self.parts.items()}
        return {**super().to_dict(), "parts": parts}

    def of(self, part: str) -> LabelMap:
        if part not in self.parts:
            raise InputError(f"There are classes of {', '.join(self.parts)}, and none of {part}")
        return self.parts[part]

    def places_in(self, saved: LabelMap) -> dict[str, Any]:
        return {name: part.places_in(saved.of(name)) for name, part in self.parts.items()}


def joint_labels(parts: Mapping[str, LabelMap]) -> JointLabels:
    """The classes of parts, by the part's name."""
    names = tuple(f"{part}/{name}" for part in parts for name in parts[part].names)
    return JointLabels(names, tuple(range(len(names))), parts)


def check_classes(network: LabelMap, data: LabelMap) -> None:
    """Warns of a data set's classes that a network does not know by name.

    Raises:
        InputError: If it knows none of them.
    """
    unknown = sorted(set(data.names) - set(network.names))
    if len(unknown) == len(data):
        raise InputError(
            f"None of the data set's classes ({', '.join(data.names[:5])}...) is among those of "
            f"the network ({', '.join(network.names[:5])}...). Train on this data set first, or "
            "give init= to train from these weights."
        )
    if unknown:
        logger.warning("Classes the network does not know score 0: %s", ", ".join(unknown))
