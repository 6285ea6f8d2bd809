"""Inputs of the page, which hand on where an upload lies and look at nothing by themselves.

As Gradio has them, they would decode photos of any number of pixels, leave files behind, and fetch
what an address leads to.
"""

from typing import Any

import gradio as gr

FETCHES_NOTHING = "Give a file: this page fetches nothing from other machines"


def photo_input(**look: Any) -> gr.Image:
    """A photo that is uploaded, pasted or taken; its value is a list of its path."""
    return _handing_on(gr.Image(sources=["upload", "webcam", "clipboard"], type="filepath", **look))


def files_input(**look: Any) -> gr.File:
    """Files that are uploaded; its value is a list of paths."""
    return _handing_on(gr.File(**look))


def _handing_on(component: Any) -> Any:
    # Of this one alone: Gradio writes a file beside the module of a class that is made of its own.
    vars(component).update(preprocess=_paths, async_move_resource_to_block_cache=_own)
    return component


def _paths(payload: Any) -> list[str]:
    """Where uploads lie; none of what is no upload, such as a picture that is its own address."""
    given = getattr(payload, "root", payload) or []
    several = given if isinstance(given, list) else [given]
    return [str(one.path) for one in several if one.path]


async def _own(path: Any) -> Any:
    """The place of an upload, as it is.

    Raises:
        Error: Of an address, which Gradio would fetch.
    """
    if str(path).startswith(("http:", "https:")):
        raise gr.Error(FETCHES_NOTHING, print_exception=False)
    return path
