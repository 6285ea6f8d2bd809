"""VOC: an XML file a photo, in Annotations/ beside JPEGImages/ or beside its photo, as LabelImg.

``ImageSets/Main`` divides the photos, or folders called ``train``, ``val`` and ``test``.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.layouts.assembling import Form, Photo, found_photos
from tasks.detection.layouts.found import Found, Reading, split_by_folder
from tasks.detection.layouts.listing import Listing, in_annotated_folders, pair
from tasks.detection.layouts.voc import (
    FIRST_PIXEL,
    image_folder,
    read_photo,
    read_voc,
    voc_label_map,
    voc_lists,
    voc_splits,
    without_annotations,
)

LISTS = "ImageSets/Main/"
ANNOTATION = r"<annotation[\s>]"


def find(listing: Listing) -> Found | None:
    """The lists of ``ImageSets/Main``, or all photos by their folders."""
    files = listing.named(".xml")
    lists = [name for name in listing.named(".txt") if f"/{LISTS}" in f"/{name}"]
    bases = sorted({listing.root / f"/{name}".partition(f"/{LISTS}")[0][1:] for name in lists})
    xmls = listing.holding(files, ANNOTATION)
    if not xmls:
        if bases and (bases[0] / "Annotations").is_dir():
            voc_label_map(bases[0])  # says what is wrong there
        return None
    if len(bases) > 1:
        which = ", ".join(map(str, bases))
        raise InputError(f"{listing.root} has several VOC data sets: {which}. Name one: data.root=")
    if bases and image_folder(bases[0]).is_dir():
        return _by_lists(bases[0], listing)
    return _by_folders(listing, xmls)


def _by_lists(base: Path, listing: Listing) -> Found:
    lists = voc_lists(base)
    classes = cache(partial(voc_label_map, base))
    splits: dict[str, Callable[[Reading], Annotations]] = {
        name: partial(_read_list, base=base, split=name, classes=classes) for name in lists
    }
    where = (base / "ImageSets" / "Main").relative_to(listing.root).as_posix()
    return Found(f"VOC: the lists {', '.join(lists)} of {where}", splits, *voc_splits(lists))


def _read_list(
    reading: Reading, *, base: Path, split: str, classes: Callable[[], LabelMap]
) -> Annotations:
    if reading.masks:
        raise InputError(
            f"{base}: a VOC folder has boxes only, and this task needs masks. Give the data in "
            "COCO's format, or choose a task without masks"
        )
    settings = {"on_bad_box": reading.on_bad_box, "exif": reading.exif}
    return read_voc(base, split=split, label_map=classes(), **settings)


def _by_folders(listing: Listing, xmls: list[str]) -> Found:
    paired, lonely = pair(listing.images, xmls)
    images, notes = in_annotated_folders(listing.images, paired)
    without = len(images) - len(paired)
    notes += [without_annotations(without, "XML")] if without else []
    sources = {image: (image, paired.get(image, "")) for image in images}
    sources |= {xml: ("", xml) for xml in lonely}
    splits = {
        name: partial(_parse, listing, [sources[key] for key in keys])
        for name, keys in split_by_folder(sorted(sources)).items()
    }
    return found_photos(
        f"VOC: {len(xmls)} XML files, as LabelImg has them",
        splits,
        folder=listing.root,
        source=listing.root,
        form=Form(first_pixel=FIRST_PIXEL, notes=tuple(notes)),
    )


def _parse(listing: Listing, sources: list[tuple[str, str]]) -> list[Photo]:
    photos = []
    for image, xml in sources:
        if not xml:
            photos.append(Photo(image, ()))
            continue
        photo = read_photo(listing.root / xml, image or None)
        photos.append(photo if image else photo._replace(file=listing.near(xml, photo.file)))
    return photos
