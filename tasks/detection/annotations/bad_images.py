"""Images that cannot be used, and what to do about them."""

from functools import partial

from backbone.errors import InputError
from tasks.common.images.bad_images import find_bad_images, skipped
from tasks.common.images.decoding import check_image, read_image
from tasks.detection.annotations.arrays import Annotations


def check_images(annotations: Annotations, *, on_bad_image: str = "error") -> Annotations:
    """Checks that every image can be read and has the size its annotations were made for.

    Args:
        annotations: The images to check.
        on_bad_image: ``error``, which looks at the beginning and end of each file, or ``skip``,
            which decodes each one, so that none can fail later, and leaves out the bad ones.

    Raises:
        InputError: If images are bad under ``error``, or no good one is left.
    """
    bad = find_bad_images(
        partial(_image_problem, annotations, decode=on_bad_image == "skip"),
        len(annotations),
        folder=annotations.folder,
        on_bad_image=on_bad_image,
    )
    if not bad:
        return annotations
    return annotations.without_images(list(bad)).with_notes(skipped(bad))


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
        cause = (
            "width and height swapped: they were made without the Exif rotation, and "
            "data.exif=ignore takes them so"
        )
    return (
        f"image {annotations.image_ids[index]}: {path} is {size[0]}x{size[1]} but its "
        f"annotations are for {declared[0]}x{declared[1]}, {cause}"
    )
