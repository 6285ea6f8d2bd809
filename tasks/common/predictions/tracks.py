"""Which of the things in a film's frames are the same."""

from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.predictions.entries import Entry

# It asks for opencv-python, which would overwrite the headless one; the rest is there.
INSTALL = "pip install --no-deps trackers"


class Tracks:
    """Numbers the things in frames by ByteTrack (Zhang et al. 2022), a film's by an object.

    supervision had it until 0.29; its makers keep it in a package of its own since.

    Args:
        rate: Frames a second, of those that are looked at.

    Raises:
        InputError: If that package is not installed.
    """

    def __init__(self, *, rate: float) -> None:
        try:
            from trackers import ByteTrackTracker
        except ImportError as error:
            raise InputError(f"track=true is the work of trackers: {INSTALL}") from error
        self._tracker = ByteTrackTracker(frame_rate=rate)

    def __call__(self, entry: Entry) -> dict[str, Any]:
        """An entry whose ``detections`` have a ``track``, as far as they are of one yet.

        Raises:
            InputError: If an entry has no boxes.
        """
        import supervision  # takes a while, for what few ask for

        if "detections" not in entry:
            raise InputError(
                "track=true: only what is found in boxes can be followed. Leave it out"
            )
        rows = [dict(row) for row in entry["detections"]]
        boxes = np.array([row["bbox"] for row in rows], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        found = supervision.Detections(
            xyxy=boxes,
            confidence=np.array([row["score"] for row in rows], np.float32),
            class_id=np.array([row["category_id"] for row in rows], int),
            data={"row": np.arange(len(rows))},
        )
        followed = self._tracker.update(found)
        numbers = [] if followed.tracker_id is None else followed.tracker_id
        for place, number in zip(followed.data.get("row", ()), numbers, strict=False):
            if number >= 0:  # others are not sure yet
                rows[int(place)]["track"] = int(number)
        return {**entry, "detections": rows}
