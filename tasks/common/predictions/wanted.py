"""What is wanted of a prediction, beside the network and the photos."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from omegaconf import DictConfig

from backbone.errors import check_flag, check_number
from tasks.common.predictions.chosen import Chosen
from tasks.common.predictions.formats import check_format


class Wanted(NamedTuple):
    """The settings of prediction, checked.

    Attributes:
        chosen: What of the things found is of interest.
        format: Of the file beside the lines; None for what their number suggests.
        pages: Whether tasks that have one write a page beside each picture.
        tile: Side of the parts that a photo is looked at in, in its pixels; None for the whole.
        overlap: Of neighbouring parts, as a share of their side.
        every: Of a film's frames, every so many is looked at.
        track: Whether things are followed from frame to frame.
        draw_from: The lowest score that is drawn; None for no pictures.
    """

    chosen: Chosen
    format: str | None
    pages: bool
    tile: int | None
    overlap: float
    every: int
    track: bool
    draw_from: float | None


def wanted(config: DictConfig, overrides: Sequence[str], *, names: Sequence[str]) -> Wanted:
    """Reads the settings; a demo's config lacks most of them.

    Args:
        config: Of the command.
        overrides: That the user gave, since ``min_score`` is for pictures too unless these have
            their own.
        names: Of the network's classes.

    Raises:
        InputError: If one is not allowed.
    """
    check_format(config.get("format"))
    for flag in ("pages", "track"):
        check_flag(flag, config.get(flag, False))
    tile, overlap, every = config.get("tile"), config.get("overlap", 0.2), config.get("every", 1)
    if tile is not None:
        check_number("tile", tile, at_least=32, whole=True)
    check_number("overlap", overlap, at_least=0, at_most=0.9)
    check_number("every", every, at_least=1, whole=True)
    chosen = Chosen.of(config.get("min_score"), config.get("classes"), names=names)
    return Wanted(
        chosen=chosen,
        format=config.get("format"),
        pages=config.get("pages", False),
        tile=tile,
        overlap=overlap,
        every=every,
        track=config.get("track", False),
        draw_from=_draw_from(config.pictures, chosen, overrides),
    )


def _draw_from(pictures: Any, chosen: Chosen, overrides: Sequence[str]) -> float | None:
    if pictures is None:
        return None
    own = any(override.startswith("pictures.min_score=") for override in overrides)
    if chosen.min_score is None or own:
        return float(pictures.min_score)
    return chosen.min_score
