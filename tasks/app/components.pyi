"""Inputs of the page, which hand on where an upload lies and look at nothing by themselves.

Gradio's own would decode photos, of any number of pixels, and leave files behind.
"""

from typing import Any

import gradio as gr

from tasks.app.photos import MAX_BYTES

from gradio.events import Dependency

class PhotoInput(gr.Image):
    """A photo that is uploaded, pasted or taken; its value is a path."""

    is_template = True  # has the look of what it is made from

    def preprocess(self, payload: Any) -> Any:
        return _path(payload)

    async def async_move_resource_to_block_cache(self, url_or_file_path: Any) -> Any:
        return _own(url_or_file_path)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block

    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component

class FilesInput(gr.File):
    """Files that are uploaded; its value is a list of paths."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        given = getattr(payload, "root", payload) or []
        return [str(_path(one)) for one in (given if isinstance(given, list) else [given])]

    async def async_move_resource_to_block_cache(self, url_or_file_path: Any) -> Any:
        return _own(url_or_file_path)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block

    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component

def _path(payload: Any) -> str | None:
    if payload is None:
        return None
    if not payload.path:
        raise gr.Error(f"Upload a file of up to {MAX_BYTES // 2**20} MB")
    return str(payload.path)

def _own(path: Any) -> Any:
    """An upload; of an address, which Gradio would fetch, nothing."""
    if str(path).startswith(("http:", "https:")):
        raise gr.Error("Give a file: this page fetches nothing from other machines")
    return path
