"""The end of a training whose loss is no longer a number."""

from collections.abc import Sequence

MAX_SHOWN = 5  # photos in a message


class DivergedError(Exception):
    """The loss is no longer a finite number.

    Attributes:
        ids: Of the photos at which it happened, as their data set has them.
        files: Of these.
        losses: By name.

    Args:
        photos: Their ids and files.
        losses: By name.
    """

    def __init__(self, photos: Sequence[tuple[int | str, str]], losses: dict[str, float]) -> None:
        shown = [
            file if isinstance(name, str) and file.endswith(name) else f"{name} ({file})"
            for name, file in photos
        ]
        more = f" and {len(photos) - MAX_SHOWN} more, which diverged.json lists"
        super().__init__(
            f"the loss is not finite ({losses}) on a batch of {', '.join(shown[:MAX_SHOWN])}"
            f"{more if len(photos) > MAX_SHOWN else ''}"
        )
        self.ids = [name for name, _ in photos]
        self.files = [file for _, file in photos]
        self.losses = losses
