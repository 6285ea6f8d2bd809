"""A web page that runs the network in the browser, by onnxruntime-web."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backbone.errors import InputError
from tasks.common.exported.formats import onnx

EXTRA = "onnx"
NEEDS = ("onnx", "onnxscript", "onnxruntime")
FILE = onnx.FILE
PRECISIONS = onnx.PRECISIONS
Runner = onnx.Runner

PAGE = Path(__file__).parents[1] / "page"
PAGE_FILES = ("index.html", "page.js", "looking.js")
VERSION = "1.30.0"  # of onnxruntime-web, with which the page is tested
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
LOCAL = "runtime/"
RUNTIME_FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
)


def write(
    network: Any,
    folder: Path,
    *,
    batch: int | None,
    names: Mapping[int, str] | None,
    about: str,
    **others: Any,
) -> Path:
    """Writes the page and ``model.onnx`` for it; see ``onnx.write``."""
    file = onnx.write(network, folder, batch=batch, names=names, about=about, **others)
    for name in PAGE_FILES:
        text = (PAGE / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace('"RUNTIME"', f'"{CDN}"'), encoding="utf-8")
    return file


def check_runtime(source: object) -> Path:
    """The folder with a copy of onnxruntime-web.

    Args:
        source: The package, as ``npm pack onnxruntime-web`` gives it unpacked, or its ``dist``.

    Raises:
        InputError: If its files are not there.
    """
    given = Path(str(source))
    for folder in (given, given / "dist", given / "package" / "dist"):
        if all((folder / name).is_file() for name in RUNTIME_FILES):
            return folder
    raise InputError(
        f"runtime={given}: {', '.join(RUNTIME_FILES)} are not in it. npm pack "
        f"onnxruntime-web@{VERSION} fetches them; runtime=null has the browser fetch them"
    )


def copy_runtime(source: Path, folder: Path) -> None:
    """Lays onnxruntime-web beside the page, which then needs nothing else from the net.

    Args:
        source: Of ``check_runtime``.
        folder: Of the page.
    """
    (folder / LOCAL).mkdir(exist_ok=True)
    for name in RUNTIME_FILES:
        shutil.copyfile(source / name, folder / LOCAL / name)
