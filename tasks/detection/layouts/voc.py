"""Reads data sets in Pascal VOC's layout: a list of names, an XML file and an image for each."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from backbone.errors import InputError, check_choice
from tasks.common.data.labels import LabelMap
from tasks.common.files.names import check_file_name
from tasks.common.images.decoding import check_image
from tasks.common.images.finding import find_images
from tasks.detection.annotations.arrays import Annotations
from tasks.detection.annotations.bad_boxes import BAD_BOX_POLICIES, WrittenBoxes, check_boxes
from tasks.detection.annotations.ragged import start_offsets

CORNERS = ("xmin", "ymin", "xmax", "ymax")
WAYS_OUT = (
    "Set data.root to a folder with ImageSets/Main, Annotations and JPEGImages, or try data=demo"
)


def read_voc(
    root: str | Path, *, split: str, label_map: LabelMap | None = None, on_bad_box: str = "error"
) -> Annotations:
    """Reads one list of a VOC data set; images are opened only where the XML lacks their size.

    VOC counts pixels from 1 and includes the last: ``xmin`` to ``xmax`` becomes ``xmin - 1`` to
    ``xmax``. Difficult objects count as crowd, that is, ignored, as in VOC's own evaluation. Images
    are numbered from 1 in the order of the list and boxes from 1 in the order of the files. The
    image of a name is the one of that name in ``JPEGImages``, whatever the XML calls it.

    Args:
        root: The folder with ``ImageSets/Main``, ``Annotations`` and ``JPEGImages``.
        split: The list to read, such as ``trainval``.
        label_map: The classes, by default those of ``voc_label_map``.
        on_bad_box: See ``check_boxes``.

    Raises:
        InputError: If a file is missing or malformed, or an object's class unknown.
    """
    check_choice("data.on_bad_box", on_bad_box, allowed=BAD_BOX_POLICIES)
    root = Path(root)
    names = _read_list(root, split)
    label_map = label_map or voc_label_map(root)
    folder = root / "JPEGImages"
    files = _image_files(folder, names)
    pictures = [
        _read_picture(_xml_file(root, name), image=folder / file, label_map=label_map)
        for name, file in zip(names, files, strict=True)
    ]
    columns = _columns(pictures)
    corners = columns.pop("corners")
    annotations = Annotations(
        **columns,  # type: ignore[arg-type]  # the notes are none of them
        file_names=np.array(files),
        label_map=label_map,
        folder=folder,
    )
    written = WrittenBoxes(root / "Annotations", ", ".join(CORNERS), corners, {})
    return check_boxes(annotations, written=written, on_bad_box=on_bad_box)


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
    names = sorted({_text(node, "name", source=f) for f in files for node in _objects(_parse(f))})
    if not names:
        raise InputError(f"No objects in the {len(files)} XML files of {folder}")
    return LabelMap(tuple(names), tuple(range(1, len(names) + 1)))


def voc_splits(root: str | Path) -> tuple[str, str]:
    """Chooses the lists to train on and to validate on.

    With a list ``test``, these are ``trainval`` (else ``train``) and ``test``; without, ``train``
    and ``val``, as in the VOC years whose test objects are not published.

    Raises:
        InputError: If the lists are missing.
    """
    folder = Path(root) / "ImageSets" / "Main"
    found = {path.stem for path in folder.glob("*.txt")}
    for train, val in (("trainval", "test"), ("train", "test"), ("train", "val")):
        if {train, val} <= found:
            return train, val
    lists = ", ".join(sorted(found)) or "none"
    raise InputError(
        f"{folder} needs the lists trainval and test, or train and val; it has {lists}. {WAYS_OUT}"
    )


class _Picture(NamedTuple):
    """What one XML file says; corners are as written."""

    size: tuple[int, int]
    corners: list[list[float]]
    classes: list[int]
    difficult: list[bool]


def _columns(pictures: Sequence[_Picture]) -> dict[str, np.ndarray]:
    """The columns of ``Annotations``, and the ``corners`` as written."""
    corners = np.array(_joined(p.corners for p in pictures), np.float64).reshape(-1, 4)
    return {
        "image_ids": np.arange(1, len(pictures) + 1),
        "sizes": np.array([p.size for p in pictures], np.int64),
        "corners": corners,
        "boxes": corners - [1, 1, 0, 0],
        "classes": np.array(_joined(p.classes for p in pictures), np.int64),
        "crowd": np.array(_joined(p.difficult for p in pictures), bool),
        "areas": np.full(len(corners), np.nan),
        "annotation_ids": np.arange(1, len(corners) + 1),
        "offsets": start_offsets(np.array([len(p.corners) for p in pictures])),
    }


def _joined(lists: Iterable[list[Any]]) -> list[Any]:
    return list(chain.from_iterable(lists))


def _read_list(root: Path, split: str) -> list[str]:
    source = root / "ImageSets" / "Main" / f"{split}.txt"
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"No list of images at {source}. {WAYS_OUT}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as text: {error}") from error
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise InputError(f"{source} lists no images")
    for name, count in Counter(names).items():
        check_file_name(name, source=str(source))
        if count > 1:
            raise InputError(f"{source} lists {name} {count} times")
    return names


def _image_files(folder: Path, names: Sequence[str]) -> list[str]:
    """The file of each name, relative to the folder; one that is missing is taken to be a JPEG."""
    found: dict[str, str] = {}
    for path in find_images(folder):
        file = path.relative_to(folder)
        found.setdefault(file.with_suffix("").as_posix(), file.as_posix())
    return [found.get(name, f"{name}.jpg") for name in names]


def _xml_file(root: Path, name: str) -> Path:
    return root / "Annotations" / f"{name}.xml"


def _parse(source: Path) -> Element:
    try:
        tree = parse(source).getroot()
    except FileNotFoundError as error:
        raise InputError(f"No annotation file at {source}") from error
    except DefusedXmlException as error:
        raise InputError(f"{source} defines XML entities, which is refused: {error}") from error
    except (OSError, ParseError, ValueError, LookupError) as error:
        raise InputError(f"{source} is not usable XML: {error}") from error
    if tree.tag != "annotation":
        raise InputError(f"{source} is no VOC annotation: it begins with <{tree.tag}>")
    return tree


def _objects(tree: Element) -> list[Element]:
    return tree.findall("object")


def _read_picture(source: Path, *, image: Path, label_map: LabelMap) -> _Picture:
    tree = _parse(source)
    objects = _objects(tree)
    return _Picture(
        size=_read_size(tree, source=source) or check_image(image),
        corners=[_read_corners(node, source=source) for node in objects],
        classes=[_read_class(node, label_map, source=source) for node in objects],
        difficult=[_read_difficult(node, source=source) for node in objects],
    )


def _read_size(tree: Element, *, source: Path) -> tuple[int, int] | None:
    """Width and height, or None where the file leaves them out or at 0."""
    if tree.find("size") is None:
        return None
    width, height = (_number(tree, f"size/{key}", source=source) for key in ("width", "height"))
    known = 1 <= width < math.inf and 1 <= height < math.inf
    return (int(width), int(height)) if known else None


def _read_corners(node: Element, *, source: Path) -> list[float]:
    if node.find("bndbox") is None:
        raise InputError(f"{source} has an object without bndbox")
    return [_number(node, f"bndbox/{corner}", source=source) for corner in CORNERS]


def _read_class(node: Element, label_map: LabelMap, *, source: Path) -> int:
    name = _text(node, "name", source=source)
    if name not in label_map.names:
        known = ", ".join(label_map.names)
        raise InputError(f"{source} has an object of class {name!r}; the classes are {known}")
    return label_map.names.index(name)


def _read_difficult(node: Element, *, source: Path) -> bool:
    text = (node.findtext("difficult") or "0").strip()
    if text not in ("0", "1"):
        raise InputError(f"{source} has {text!r} as difficult, which must be 0 or 1")
    return text == "1"


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
