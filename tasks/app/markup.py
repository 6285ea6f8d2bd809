"""What the page shows as HTML: pictures, bars and tables, in the text itself.

Pictures and files to take away are data addresses, so that nothing of them is ever on the disk.
"""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from tasks.common.images.decoding import DecodedImage

MAX_SIDE = 1280  # of a picture on the page, in pixels
QUALITY = 95  # of a JPEG, at which edges of letters stay clean
MOST_BARS = 20

CSS = """
.found img {max-width: 100%; height: auto; display: block; border-radius: 6px}
.found figure {margin: 0 0 1rem}
.found figcaption {font-weight: 600; overflow-wrap: anywhere; margin-bottom: .3rem}
.found .wide {overflow-x: auto; max-width: 100%}
.found table {border-collapse: collapse; font-size: .9rem; margin: .4rem 0}
.found th, .found td {text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #8884}
.found .bar {display: grid; grid-template-columns: minmax(6rem, 35%) 1fr 4rem; gap: .5rem;
  align-items: center; margin: .15rem 0}
.found .bar span {overflow-wrap: anywhere}
.found .bar div {height: .9rem; border-radius: 3px; background: #f97316; min-width: 1px}
.found .side {display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr));
  gap: 1rem}
.found .files a {margin-right: 1rem}
.found .alert {padding: .6rem .8rem; border-left: 4px solid #dc2626; background: #dc262618;
  overflow-wrap: anywhere; white-space: pre-line}
.found .note {padding: .6rem .8rem; border-left: 4px solid #2563eb; background: #2563eb18;
  overflow-wrap: anywhere; white-space: pre-line}
"""


def page(*parts: str) -> str:
    """Parts of HTML, in the page's style."""
    return f'<div class="found">{"".join(parts)}</div>'


def alert(message: str) -> str:
    """What went wrong."""
    return page(f'<p class="alert" role="alert">{html.escape(message)}</p>')


def note(message: str) -> str:
    """What a user should know."""
    return page(f'<p class="note" role="status">{html.escape(message)}</p>') if message else ""


def figure(name: str, picture: np.ndarray, *more: str) -> str:
    """A picture, RGB, with its name above and more below."""
    caption = f"<figcaption>{html.escape(name)}</figcaption>"
    address = data_address(_jpeg(picture), "image/jpeg")
    image = f'<img alt="{html.escape(name)}" src="{address}">'
    return f"<figure>{caption}{image}{''.join(more)}</figure>"


def bars(shares: Mapping[str, float]) -> str:
    """A bar for each share of 1."""
    rows = [
        f'<div class="bar"><span>{html.escape(name)}</span>'
        f'<div style="width: {100 * share:.1f}%"></div><span>{share:.1%}</span></div>'
        for name, share in list(shares.items())[:MOST_BARS]
    ]
    return "".join(rows)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table with a column for each name that a row has."""
    if not rows:
        return "<p>nothing</p>"
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{_cells(row.get(name) for name in names)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cells(values: Iterable[Any]) -> str:
    texts = ("" if value is None else html.escape(str(value)) for value in values)
    return "".join(f"<td>{text}</td>" for text in texts)


def files(contents: Mapping[str, tuple[bytes, str]]) -> str:
    """Files to take away: by name, content and media type."""
    links = [
        f'<a download="{html.escape(name)}" href="{data_address(content, kind)}">'
        f"{html.escape(name)}</a>"
        for name, (content, kind) in contents.items()
    ]
    return f'<p class="files">{"".join(links)}</p>'


def side_by_side(parts: Iterable[str]) -> str:
    """Parts beside each other, or below on a narrow screen."""
    return f'<div class="side">{"".join(f"<div>{part}</div>" for part in parts)}</div>'


def data_address(content: bytes, kind: str) -> str:
    """An address that is the content itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def small(image: DecodedImage) -> DecodedImage:
    """A photo that is no larger than the page shows it."""
    return DecodedImage(_shrunk(image.pixels), image.size)


def _shrunk(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = max(round(scale * width), 1), max(round(scale * height), 1)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _jpeg(picture: np.ndarray) -> bytes:
    bgr = np.ascontiguousarray(picture[..., ::-1])
    # with a colour for each pixel, or thin lines would be smeared
    sampling = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    whole, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, *sampling])
    assert whole
    return content.tobytes()
