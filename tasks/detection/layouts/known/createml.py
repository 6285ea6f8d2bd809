"""CreateML: a JSON list of photos with annotations, each a label and coordinates."""

from functools import partial
from typing import Any

from backbone.errors import InputError
from tasks.detection.layouts.assembling import Photo, Thing, found_photos
from tasks.detection.layouts.found import Found, split_by_folder
from tasks.detection.layouts.json_files import load_json, numbers
from tasks.detection.layouts.listing import Listing, shortened

PHOTOS = r'\A\s*\[\s*\{[\s\S]*"coordinates"\s*:\s*\{'


def find(listing: Listing) -> Found | None:
    """The photos of all such files, by the folders of these."""
    files = listing.holding(listing.named(".json"), PHOTOS)
    if not files:
        return None
    return found_photos(
        f"CreateML: {shortened(files)}",
        {name: partial(_parse, listing, rows) for name, rows in split_by_folder(files).items()},
        folder=listing.root,
        source=listing.root / files[0],
    )


def _parse(listing: Listing, files: list[str]) -> list[Photo]:
    return [
        _photo(listing, file, entry) for file in files for entry in load_json(listing.root / file)
    ]


def _photo(listing: Listing, file: str, entry: dict[str, Any]) -> Photo:
    name = entry.get("image") or entry.get("imagefilename")
    where = f"{listing.root / file}: {name}"
    if not isinstance(name, str):
        raise InputError(f"{where} is the name of an image, which must be text")
    things = []
    for given in entry.get("annotations") or entry.get("annotation") or []:
        place = given.get("coordinates") or {}
        values = [place.get(key) for key in ("x", "y", "width", "height")]
        x, y, width, height = numbers(values, where=where)  # of the centre
        corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        things.append(Thing(str(given.get("label") or ""), corners))
    return Photo(listing.near(file, name), things)
