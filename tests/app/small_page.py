"""Small networks for the page, and what is in the HTML that it shows."""

import base64
import contextlib
import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from tasks.app.serving import served
from tasks.common.commands.request import composed
from tests.exported.small_exports import written_network
from tests.small_data import write_weights

CLOSE = 3.0  # mean difference of a JPEG's pixels, of 255
FAR = 4.0  # what anything drawn on a photo makes at least


def written_networks(folder: Path, *tasks: str) -> dict[str, Path]:
    """A weights file for each task; the detector's finds plenty."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        task: write_weights(folder / "ssd_coco.safetensors")
        if task == "ssd_coco"
        else written_network(task, folder)
        for task in tasks
    }


@contextlib.contextmanager
def served_page(folder: Path, *settings: str) -> Iterator[str]:
    """The address of a page on a folder's networks."""
    given = (f"runs={folder}/runs", f"weights={folder}/weights", "port=0", *settings)
    with served(composed("app", given)) as address:
        yield address


def upload(photo: Image.Image | Path, name: str, folder: Path) -> str:
    """A file as it lies where uploads are, in a folder of its own."""
    place = folder / name.replace(".", "_") / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(photo, Path):
        shutil.copy(photo, place)
    else:
        photo.save(place)
    return str(place)


def pictures(page: str) -> list[np.ndarray]:
    """The pictures in HTML, RGB."""
    coded = re.findall(r'<img alt="[^"]*" src="data:image/jpeg;base64,([^"]*)"', page)
    return [decoded(base64.b64decode(one)) for one in coded]


def decoded(content: bytes) -> np.ndarray:
    bgr = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return bgr[..., ::-1]


def file_in(page: str, name: str) -> bytes:
    """What a link to take away holds."""
    found = re.search(rf'download="{re.escape(name)}" href="data:[^;]*;base64,([^"]*)"', page)
    assert found
    return base64.b64decode(found[1])


def rows(page: str) -> list[dict[str, str]]:
    """The rows of all tables in HTML, by the names of their columns."""
    found: list[dict[str, str]] = []
    for one in re.findall(r"<table>(.*?)</table>", page, re.DOTALL):
        names = [html.unescape(name) for name in re.findall(r"<th>(.*?)</th>", one)]
        for row in re.findall(r"<tr>(<td>.*?)</tr>", one, re.DOTALL):
            cells = [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", row)]
            found.append(dict(zip(names, cells, strict=True)))
    return found


def bars(page: str) -> dict[str, str]:
    """The bars in HTML."""
    found = re.findall(r'class="bar"><span>(.*?)</span>.*?<span>(.*?)</span>', page, re.DOTALL)
    return {html.unescape(name): share for name, share in found}


def difference(one: Any, other: Any) -> float:
    """The mean difference of two pictures' pixels, of 255."""
    ours, theirs = np.asarray(one, np.float32), np.asarray(other, np.float32)
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).mean())
