"""How the page is laid out: the networks above, photos on the left, what is found on the right."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from tasks.app.components import files_input, photo_input
from tasks.common.images.decoding import MAX_PIXELS
from tasks.common.images.finding import FILM_SUFFIXES
from tasks.common.showing.finding import all_views
from tasks.common.showing.view import View

TITLE = "Try a network"
COMPARE, RUNS = "Compare", "Runs"


class Head(NamedTuple):
    """Above all: which network, and what there is to say."""

    model: gr.Dropdown
    renew: gr.Button
    message: gr.HTML
    train: gr.Button


class Input(NamedTuple):
    """What to look at."""

    photo: gr.Image
    several: gr.File
    known: gr.File
    again: gr.Button
    given: gr.State  # where the uploads are that are looked at


class Tab(NamedTuple):
    """What was found, of the applications that share a title."""

    bound: gr.Slider
    classes: gr.Dropdown
    found: gr.HTML
    command: gr.Textbox
    key: gr.State


class Comparison(NamedTuple):
    """Another network beside the one above."""

    other: gr.Dropdown
    compare: gr.Button
    found: gr.HTML


class Runs(NamedTuple):
    """The runs and their curves."""

    tab: gr.Tab
    table: gr.HTML
    run: gr.Dropdown
    curves: gr.HTML


class Layout(NamedTuple):
    """All parts of the page that do something."""

    head: Head
    input: Input
    tabs: gr.Tabs
    found: dict[str, Tab]
    comparison: Comparison
    runs: Runs


def lay_out() -> Layout:
    """Makes the parts, within ``gr.Blocks``."""
    gr.Markdown(f"# {TITLE}")
    with gr.Row(equal_height=False):
        model, renew = _models()
    head = Head(
        model,
        renew,
        gr.HTML(elem_id="message"),
        gr.Button("Train the demo here", elem_id="train", visible=False),
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=280):
            given = _input()
        with gr.Column(scale=3, min_width=280), gr.Tabs(elem_id="tabs") as tabs:
            found = {view.title: _tab(view) for view in all_views()}
            with gr.Tab(COMPARE, id=COMPARE):
                comparison = Comparison(
                    gr.Dropdown([], label="With this network", elem_id="other"),
                    gr.Button("Compare on the photo", elem_id="compare"),
                    gr.HTML(elem_id="found-compare"),
                )
            with gr.Tab(RUNS, id=RUNS) as tab:
                table = gr.HTML(elem_id="runs")
                run = gr.Dropdown([], label="Curves of the run", elem_id="run")
                runs = Runs(tab, table, run, gr.HTML(elem_id="curves"))
    return Layout(head, given, tabs, found, comparison, runs)


def _models() -> tuple[gr.Dropdown, gr.Button]:
    return (
        gr.Dropdown([], label="Network", elem_id="model", scale=5, min_width=200),
        gr.Button("List again", elem_id="renew", scale=1, min_width=100),
    )


def _input() -> Input:
    with gr.Tabs():
        with gr.Tab("A photo"):
            photo = photo_input(
                label=f"Up to 20 MB and {MAX_PIXELS // 10**6} megapixels",
                elem_id="photo",
            )
        with gr.Tab("Several, or a film"):
            several = files_input(
                file_count="multiple",
                file_types=["image", *FILM_SUFFIXES],
                label="Up to 12 photos, or a film",
                elem_id="several",
            )
    with gr.Accordion("People you know", open=False):
        known = files_input(
            file_count="multiple",
            file_types=["image"],
            label="Photos called by their names: ann.jpg, ann 2.jpg, bob.jpg",
            elem_id="known",
        )
    again = gr.Button("Look", variant="primary", elem_id="look")
    return Input(photo, several, known, again, gr.State([]))


def _tab(view: View) -> Tab:
    name = view.title.lower()
    with gr.Tab(view.title, id=view.title):
        return Tab(
            gr.Slider(0, 1, 0.4, step=0.01, label="Lowest score", elem_id=f"bound-{name}"),
            gr.Dropdown(
                [],
                multiselect=True,
                label="Only these classes",
                elem_id=f"classes-{name}",
                visible=view.has_classes,
            ),
            gr.HTML(elem_id=f"found-{name}"),
            gr.Textbox(
                label="The command that does the same",
                buttons=["copy"],
                interactive=False,
                elem_id=f"command-{name}",
            ),
            gr.State(""),
        )


def choices(listed: Sequence[Any]) -> list[tuple[str, str]]:
    """The networks, as a list to choose from has them."""
    return [(one.label, str(one.path)) for one in listed]
