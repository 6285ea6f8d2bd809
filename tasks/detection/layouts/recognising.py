"""Tells the layout of a folder by asking every module of the room ``known``."""

import pkgutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from backbone.errors import InputError, check_choice
from tasks.detection.layouts import known
from tasks.detection.layouts.found import Found
from tasks.detection.layouts.listing import Listing


def known_layouts() -> dict[str, ModuleType]:
    """The modules of the room by their names: each has ``find``, and says in its first line what.

    ``find(listing)`` gives what it ``Found``; None if nothing there is of its layout; or it raises
    an ``InputError`` that says what is missing, if part of it is.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(known.__path__))
    return {name: import_module(f"{known.__name__}.{name}") for name in names}


def recognise(root: Path, *, layout: str | None = None) -> Found:
    """What a folder holds.

    Args:
        root: The folder.
        layout: Of the names in the room ``known``, the only one to look for; None for any.

    Raises:
        InputError: If it is none, in no known layout, or in several.
    """
    if root.is_file():
        raise InputError(
            f"data.root={root} is a file. Name its folder, unpacked if it is an archive; a COCO "
            "file by itself is data.train_annotations=FILE data.train_images=DIR"
        )
    if not root.is_dir():
        raise InputError(f"data.root={root}: there is no such folder")
    layouts = known_layouts()
    if layout is not None:
        check_choice("data.layout", layout, allowed=tuple(layouts))
        layouts = {layout: layouts[layout]}
    listing, halves, found = Listing(root), [], {}
    for name, module in layouts.items():
        try:
            there = module.find(listing)
        except InputError as error:
            halves.append(error)
            continue
        if there is not None:
            found[name] = there
    if len(found) > 1:
        which = "; ".join(f"data.layout={name}: {there.what}" for name, there in found.items())
        raise InputError(f"{root.absolute()} is in several layouts, choose one. {which}")
    if found:
        there = next(iter(found.values()))
        left_out = [f"left out, {line}" for line in listing.unread]
        return replace(there, what="; ".join([there.what, *left_out]))
    if halves:
        raise halves[0]
    raise InputError(_nothing(listing, layouts))


def _nothing(listing: Listing, layouts: dict[str, ModuleType]) -> str:
    looked_for = "; ".join(
        str(module.__doc__).splitlines()[0].rstrip(".") for module in layouts.values()
    )
    there = ", ".join(sorted({name.split("/")[0] for name in listing.files})[:10]) or "nothing"
    return (
        f"Looked for annotations of boxes in {listing.root.absolute()}, which holds {there}. "
        f"Known are: {looked_for}. Ways out: data.root=DIR with a folder in one of these layouts "
        "(tools/prepare.py dataset=coco root=DIR fetches COCO, dataset=voc2007 VOC); "
        "data.train_images=DIR data.train_annotations=FILE (data.val_... for validation) for COCO "
        "files; or data=demo, which needs no data"
    )
