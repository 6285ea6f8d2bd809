"""Where photos were taken, as Google Takeout writes it beside them."""

import json
import re
from pathlib import Path

SUFFIX = ".json"
# What may follow the name of a photo, of which long ones are cut off to fit 46 letters.
MORE = ".supplemental-metadata"
MOST_LETTERS = 46
COPY = re.compile(r"^(.*)(\(\d+\))(\.[^.]+)$")  # IMG_0(1).jpg has IMG_0.jpg(1).json


def sidecar_place(photo: Path) -> tuple[float, float] | None:
    """Latitude and longitude in degrees from the file beside a photo; None if it does not say.

    Zeros stand for a place that is not known.
    """
    for path in map(photo.with_name, _sidecar_names(photo.name)):
        if path.is_file():
            return _place_in(path)
    return None


def _sidecar_names(name: str) -> list[str]:
    """What the file beside a photo may be called."""
    stem = name.rpartition(".")[0]
    copy = COPY.match(name)
    plain, number = (copy[1] + copy[3], copy[2]) if copy else (name, "")
    whole = plain + MORE
    cut = [whole[:MOST_LETTERS]] if len(whole) > MOST_LETTERS else []
    return [f"{base}{number}{SUFFIX}" for base in (plain, whole, *cut)] + [f"{stem}{SUFFIX}"]


def _place_in(path: Path) -> tuple[float, float] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for key in ("geoData", "geoDataExif"):
            place = content.get(key) or {}
            found = float(place.get("latitude", 0)), float(place.get("longitude", 0))
            if found != (0, 0):
                return found
    except (OSError, ValueError, AttributeError, TypeError):  # of a file that is another's
        return None
    return None
