"""Reads Pascal VOC's XML files, one for each photo, and the lists that divide them."""

import math
import re
from collections import Counter
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from backbone.errors import InputError, check_choice
from tasks.common.data.labels import LabelMap
from tasks.common.files.names import check_file_name
from tasks.common.images.finding import is_image_name, list_images
from tasks.common.report import counted
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_boxes import BAD_BOX_POLICIES
from tasks.detection.layouts.assembling import Form, Photo, Thing, assemble
from tasks.detection.layouts.found import Reading, usual_splits

CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAG = re.compile(r"\s+(-1|0|1)$")  # behind a name, in lists of a class
WAYS_OUT = (
    "Set data.root to a folder with ImageSets/Main, Annotations and JPEGImages, or try data=demo"
)
FIRST_PIXEL = 1  # VOC counts pixels from 1 and includes the last


def read_voc(
    root: str | Path,
    *,
    split: str,
    label_map: LabelMap | None = None,
    on_bad_box: str = "error",
    exif: str = "apply",
) -> Annotations:
    """Reads one list of a VOC data set; images are opened only where the XML lacks their size.

    VOC counts pixels from 1 and includes the last: ``xmin`` to ``xmax`` becomes ``xmin - 1`` to
    ``xmax``. Difficult objects count as crowd, that is, ignored, as in VOC's own evaluation. Images
    are numbered from 1 in the order of the list and boxes from 1 in the order of the files. The
    image of a name is the one of that name in ``JPEGImages``, whatever the XML calls it. One
    without XML shows no objects, as LabelImg leaves such photos, which is noted.

    Args:
        root: The folder with ``ImageSets/Main``, ``Annotations`` and ``JPEGImages``.
        split: The list to read, such as ``trainval``.
        label_map: The classes, by default those of ``voc_label_map``.
        on_bad_box: See ``check_boxes``.
        exif: See ``Reading``.

    Raises:
        InputError: If a file is missing or malformed, or an object's class unknown.
    """
    check_choice("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    root = Path(root)
    label_map = label_map or voc_label_map(root)
    folder = image_folder(root)
    files = _image_files(folder)
    names = _read_list(root, split, files)
    photos, without = [], 0
    for name in names:
        xml = root / "Annotations" / f"{name}.xml"
        file = files.get(name, f"{name}.jpg")
        if xml.is_file():
            photos.append(read_photo(xml, file, label_map=label_map))
        else:
            photos.append(Photo(file, ()))
            without += 1
    notes = (without_annotations(without, "XML"),) if without else ()
    return assemble(
        photos,
        folder=folder,
        source=root / "Annotations",
        classes=label_map,
        form=Form(first_pixel=FIRST_PIXEL, notes=notes),
        reading=Reading(on_bad_box=on_bad_box, exif=exif),
    )


def image_folder(root: Path) -> Path:
    """Where the photos are: ``JPEGImages``, or what tools call it instead."""
    folders = [root / name for name in ("JPEGImages", "images", "Images", "img")]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def without_annotations(number: int, what: str) -> str:
    """A note on photos that have no annotation file."""
    return f"{counted(number, 'photo', 'photos')} without {what}, taken to show no objects"


def voc_label_map(root: str | Path) -> LabelMap:
    """The classes of all objects in ``Annotations``, in alphabetical order with ids from 1.

    All lists of a data set share it, even where one lacks a class.

    Raises:
        InputError: If a file is malformed or there are no objects.
    """
    folder = Path(root) / "Annotations"
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise InputError(f"No XML files in {folder}. {WAYS_OUT}")
    names = sorted(
        {_text(node, "name", source=f) for f in files for node in parse_xml(f).findall("object")}
    )
    if not names:
        raise InputError(f"No objects in the {len(files)} XML files of {folder}")
    return LabelMap(tuple(names), tuple(range(1, len(names) + 1)))


def voc_lists(root: str | Path) -> list[str]:
    """The lists of photos that divide a data set, without those of one class each."""
    folder = Path(root) / "ImageSets" / "Main"
    names = sorted(path.stem for path in folder.glob("*.txt"))
    return [name for name in names if not any(name.endswith(f"_{other}") for other in names)]


def voc_splits(lists: list[str]) -> tuple[str | None, str | None]:
    """Chooses the lists to train on and to validate on.

    With a list ``test``, these are ``trainval`` (else ``train``) and ``test``; without, ``train``
    and ``val``, as in the VOC years whose test objects are not published.
    """
    for train, val in (("trainval", "test"), ("train", "test"), ("train", "val")):
        if {train, val} <= {*lists}:
            return train, val
    return usual_splits(lists)


def _read_list(root: Path, split: str, files: dict[str, str]) -> list[str]:
    """The names in a list, which may have a suffix, a folder before them or a flag behind them."""
    source = root / "ImageSets" / "Main" / f"{split}.txt"
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"No list of images at {source}. {WAYS_OUT}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from error
    names = [_listed(line.strip(), root, files) for line in lines if line.strip()]
    if not names:
        raise InputError(f"{source} lists no images")
    for name, count in Counter(names).items():
        check_file_name(name, source=str(source))
        if count > 1:
            raise InputError(f"{source} lists {name} {count} times")
    return names


def _listed(line: str, root: Path, files: dict[str, str]) -> str:
    """What a line of a list names; the line itself where there is nothing of such a name."""
    for text in (line, FLAG.sub("", line)):
        inside = re.split(r"(?:JPEGImages|[Ii]mages|img)/", text.replace("\\", "/"))[-1]
        bare = inside.rpartition(".")[0] if is_image_name(Path(inside)) else inside
        for name in dict.fromkeys((text, inside, bare)):
            if name in files or (root / "Annotations" / f"{name}.xml").is_file():
                return name
    return line


def _image_files(folder: Path) -> dict[str, str]:
    """The file of each name, relative to the folder."""
    if not folder.is_dir():
        raise InputError(f"No folder of images at {folder}. {WAYS_OUT}")
    found: dict[str, str] = {}
    for path in list_images(folder):
        file = path.relative_to(folder)
        found.setdefault(file.with_suffix("").as_posix(), file.as_posix())
    return found


def parse_xml(source: Path, *, root: str = "annotation") -> Element:
    """The tree of an XML file.

    Raises:
        InputError: If it is missing, broken, dangerous or begins with another tag than ``root``.
    """
    try:
        tree = parse(source).getroot()
    except FileNotFoundError as error:
        raise InputError(f"No annotation file at {source}") from error
    except DefusedXmlException as error:
        raise InputError(f"{source} defines XML entities, which is refused: {error}") from error
    except (OSError, ParseError, ValueError, LookupError) as error:
        raise InputError(f"{source} is not usable XML: {error}") from error
    if tree.tag != root:
        raise InputError(f"{source} is no VOC annotation: it begins with <{tree.tag}>")
    return tree


def read_photo(source: Path, file: str | None, *, label_map: LabelMap | None = None) -> Photo:
    """What an XML file says of a photo.

    Args:
        source: The file.
        file: The photo; None for the one that the XML names.
        label_map: Classes that are known; None for any.

    Raises:
        InputError: If it is malformed, or has an object of another class.
    """
    tree = parse_xml(source)
    if file is None:
        file = (tree.findtext("filename") or "").strip() or f"{source.stem}.jpg"
    read = partial(_read_thing, label_map=label_map, source=source)
    things = [read(node) for node in tree.findall("object")]
    return Photo(file, things, _read_size(tree, source=source))


def _read_thing(node: Element, *, label_map: LabelMap | None, source: Path) -> Thing:
    if node.find("bndbox") is None:
        raise InputError(f"{source} has an object without bndbox")
    name = _text(node, "name", source=source)
    if label_map and name not in label_map.names:
        known = ", ".join(label_map.names)
        raise InputError(f"{source} has an object of class {name!r}; the classes are {known}")
    corners = [_number(node, f"bndbox/{corner}", source=source) for corner in CORNERS]
    return Thing(name, corners, ignored=_read_difficult(node, source=source))


def _read_size(tree: Element, *, source: Path) -> tuple[int, int] | None:
    """Width and height, or None where the file leaves them out or at 0."""
    if tree.find("size") is None:
        return None
    width, height = (_number(tree, f"size/{key}", source=source) for key in ("width", "height"))
    known = 1 <= width < math.inf and 1 <= height < math.inf
    return (int(width), int(height)) if known else None


def _read_difficult(node: Element, *, source: Path) -> bool:
    text = (node.findtext("difficult") or "0").strip()
    words = {"0": False, "1": True, "false": False, "true": True, "unspecified": False}
    if text.lower() not in words:
        raise InputError(f"{source} has {text!r} as difficult, which must be 0 or 1")
    return words[text.lower()]


def _text(node: Element, key: str, *, source: Path) -> str:
    text = (node.findtext(key) or "").strip()
    if not text:
        raise InputError(f"{source} has no {key} in its {node.tag}")
    return text


def _number(node: Element, key: str, *, source: Path) -> float:
    text = _text(node, key, source=source)
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{source} has {text!r} as {key}, which must be a number") from error
