"""What is said of a kind of photo once, however many there are."""

import logging

logger = logging.getLogger(__name__)
_said: set[str] = set()


def note_once(kind: str, note: str) -> None:
    """Says something of the first photo of a kind that this process reads."""
    if kind not in _said:
        _said.add(kind)
        logger.warning("%s", note)
