"""Dots: a .dots file a photo, beside it, with label, x, y and radius a line."""

from functools import partial

from tasks.detection.layouts.assembling import Photo, Thing, found_photos
from tasks.detection.layouts.found import Found, split_by_folder
from tasks.detection.layouts.listing import Listing, pair


def find(listing: Listing) -> Found | None:
    """The photos with such a file, by their folders."""
    paired, _ = pair(listing.images, listing.named(".dots"))
    if not paired:
        return None
    return found_photos(
        f"dots: {len(paired)} files",
        {
            name: partial(_parse, listing, {image: paired[image] for image in images})
            for name, images in split_by_folder(list(paired)).items()
        },
        folder=listing.root,
        source=listing.root,
    )


def _parse(listing: Listing, files: dict[str, str]) -> list[Photo]:
    return [
        Photo(image, [_thing(line) for line in (listing.root / file).read_text().splitlines()])
        for image, file in files.items()
    ]


def _thing(line: str) -> Thing:
    label, *numbers = line.split()
    x, y, radius = map(float, numbers)
    return Thing(label, [x - radius, y - radius, x + radius, y + radius])
