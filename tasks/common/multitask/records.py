"""What the parts of a network say of photos."""

from collections.abc import Mapping
from typing import Any, NamedTuple

MEAN = "mean_of_parts"


class PartRecords(NamedTuple):
    """What the parts say of photos.

    Attributes:
        parts: Records of each, by name.
        shared: Whether all are of the same photos, or each of its own.
    """

    parts: Mapping[str, Any]
    shared: bool
