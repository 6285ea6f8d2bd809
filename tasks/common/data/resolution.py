"""Progressive resizing: training begins with small photos, which cost less, and ends with large."""

import math

from backbone.errors import check_number

STEP = 32  # pixels: one cell of the coarsest feature, whose stride this is


def growing_sides(
    image_size: int, *, start: int | None, full_share: float, num_epochs: int
) -> list[int]:
    """Side of the training photos in each epoch; the last one holds for any after these.

    It grows evenly, in steps of ``STEP`` pixels.

    Args:
        image_size: The side at which it ends, at which the network is also validated.
        start: The side in the first epoch; None for ``image_size`` in all of them.
        full_share: Share of the epochs, the last ones, that have photos of full size. The network,
            batch norm's statistics above all, gets used to that size in them.
        num_epochs: Of the whole run.

    Raises:
        InputError: If a number is outside its bounds.

    >>> growing_sides(224, start=128, full_share=0.4, num_epochs=10)
    [128, 128, 160, 160, 192, 192, 224, 224, 224, 224]
    """
    if start is None:
        return [image_size]
    check_number("data.resolution.start", start, at_least=STEP, at_most=image_size, whole=True)
    check_number("data.resolution.full_share", full_share, above=0, at_most=1)
    check_number("data.resolution.num_epochs", num_epochs, at_least=1, whole=True)
    growing = num_epochs - math.ceil(full_share * num_epochs)
    steps = math.ceil((image_size - start) / STEP)
    sides = [start + STEP * (epoch * steps // growing) for epoch in range(growing)]
    return sides + [image_size] * (num_epochs - growing)


def resolution_line(sides: list[int]) -> str:
    """Which side the training photos have from which epoch on, for a report.

    >>> resolution_line([128, 128, 160, 224])
    'training photos by epoch: 128 pixels from 1, 160 from 3, 224 from 4'
    """
    starts = [epoch for epoch, side in enumerate(sides) if epoch == 0 or side != sides[epoch - 1]]
    first, *rest = (f"{sides[epoch]} pixels from {epoch + 1}" for epoch in starts)
    shown = [first, *(text.replace(" pixels", "") for text in rest)]
    return f"training photos by epoch: {', '.join(shown)}"
