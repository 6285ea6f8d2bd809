"""Images that cannot be used, and what to do about them."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from backbone.errors import InputError
from tasks.common.images import check_image, read_image
from tasks.detection.annotations import Annotations, check_policy, counted

BAD_IMAGE_POLICIES = ("error", "skip")


def check_images(annotations: Annotations, *, on_bad_image: str = "error") -> Annotations:
    """Checks that every image can be read and has the size its annotations were made for.

    Args:
        annotations: The images to check.
        on_bad_image: ``error``, which looks at the beginning and end of each file, or ``skip``,
            which decodes each one, so that none can fail later, and leaves out the bad ones.

    Raises:
        InputError: If images are bad under ``error``, or no good one is left.
    """
    check_policy("data.on_bad_image", on_bad_image, allowed=BAD_IMAGE_POLICIES)
    decode = on_bad_image == "skip"
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = pool.map(
            lambda index: _image_problem(annotations, index, decode=decode),
            range(len(annotations)),
        )
        bad = {index: problem for index, problem in enumerate(problems) if problem}
    if not bad:
        return annotations
    if not decode or len(bad) == len(annotations):
        raise InputError(_bad_images_message(annotations, bad))
    notes = [f"1 image skipped: {problem}" for problem in bad.values()]
    return annotations.without_images(list(bad)).with_notes(notes)


def _image_problem(annotations: Annotations, index: int, *, decode: bool) -> str | None:
    """What is wrong with an image, or None."""
    path = annotations.path(index)
    try:
        size = read_image(path).size if decode else check_image(path)
    except InputError as error:
        return f"image {annotations.image_ids[index]}: {error}"
    declared = tuple(annotations.sizes[index].tolist())
    if size == declared:
        return None
    cause = "so its boxes would be wrong"
    if size == declared[::-1]:
        cause = "width and height swapped: they were made without the Exif rotation"
    return (
        f"image {annotations.image_ids[index]}: {path} is {size[0]}x{size[1]} but its "
        f"annotations are for {declared[0]}x{declared[1]}, {cause}"
    )


def _bad_images_message(annotations: Annotations, bad: Mapping[int, str], shown: int = 5) -> str:
    lines = list(bad.values())[:shown]
    if len(bad) > shown:
        lines.append(f"and {len(bad) - shown} more")
    advice = "Repair them, or set data.on_bad_image=skip to leave them out"
    if len(bad) == len(annotations):
        advice = "That is all of them: check the folder"
    total = f"{len(bad)} of {counted(len(annotations), 'image', 'images')}"
    return "\n  ".join([f"{total} in {annotations.folder} cannot be used:", *lines]) + f"\n{advice}"
