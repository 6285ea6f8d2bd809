"""What happens to photos that cannot be used: refused together, or skipped and counted."""

from collections.abc import Callable, Mapping
from pathlib import Path

from backbone.errors import InputError, check_choice
from tasks.common.machine.workers import threads
from tasks.common.report import counted

BAD_IMAGE_POLICIES = ("error", "skip")


def find_bad_images(
    problem: Callable[[int], str | None], num_images: int, *, folder: Path, on_bad_image: str
) -> dict[int, str]:
    """What is wrong with each bad image of a data set, by its index; empty without any.

    Args:
        problem: Says what is wrong with the image at an index, or None.
        num_images: How many there are.
        folder: Where, for the message.
        on_bad_image: ``error`` or ``skip``.

    Raises:
        InputError: If images are bad under ``error``, or no good one is left.
    """
    check_choice("data.on_bad_image", on_bad_image, allowed=BAD_IMAGE_POLICIES)
    with threads() as pool:
        problems = pool.map(problem, range(num_images))
        bad = {index: found for index, found in enumerate(problems) if found}
    if bad and (on_bad_image == "error" or len(bad) == num_images):
        raise InputError(_message(bad, num_images, folder=folder))
    return bad


def skipped(bad: Mapping[int, str]) -> list[str]:
    """A note for the report on each image that is left out."""
    return [f"1 image skipped: {problem}" for problem in bad.values()]


def _message(bad: Mapping[int, str], num_images: int, *, folder: Path, shown: int = 5) -> str:
    lines = list(bad.values())[:shown]
    if len(bad) > shown:
        lines.append(f"and {len(bad) - shown} more")
    advice = "Repair them, or set data.on_bad_image=skip to leave them out"
    if len(bad) == num_images:
        advice = "That is all of them: check the folder"
    total = f"{len(bad)} of {counted(num_images, 'image', 'images')}"
    return "\n  ".join([f"{total} in {folder} cannot be used:", *lines]) + f"\n{advice}"
