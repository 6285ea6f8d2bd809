"""What happens on the page when its user does something."""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from backbone.errors import InputError
from tasks.app.answers import Answers
from tasks.app.comparing import compared
from tasks.app.layout import Layout, Tab, choices
from tasks.app.markup import alert, note
from tasks.app.runs import curves, runs_table, runs_with_curves
from tasks.app.training import trained_demo
from tasks.common.showing.view import Limits

# Networks look at one photo at a time: several at once would share the cores, and need the memory.
ONE_BY_ONE: dict[str, Any] = {"concurrency_id": "networks", "concurrency_limit": 1}
HIDDEN: dict[str, Any] = {"api_visibility": "private"}

NO_MODELS = (
    "There is no trained network in {folders}. Train one here, on drawn photos, which takes some "
    "minutes; or name one: tools/app.py models=[FILE]"
)

logger = logging.getLogger(__name__)


class Events:
    """Answers events of a page.

    Args:
        layout: The page.
        answers: What it answers.
        runs: The folder with the runs.
        demo: Settings of the training of a demo.
    """

    def __init__(
        self, layout: Layout, answers: Answers, *, runs: Path, demo: Sequence[str]
    ) -> None:
        self.layout = layout
        self.answers = answers
        self.runs = runs
        self.demo = demo

    def listed(self) -> dict[Any, Any]:
        """The networks that there are now, the first one chosen."""
        found = choices(self.answers.models.list())
        head, first = self.layout.head, found[0][1] if found else None
        folders = ", ".join(f"{folder}/" for folder in self.answers.models.folders)
        return {
            head.model: gr.Dropdown(found, value=first),
            self.layout.comparison.other: gr.Dropdown(found, value=first),
            head.message: "" if found else note(NO_MODELS.format(folders=folders)),
            head.train: gr.Button(visible=not found),
        }

    def look(self, name: str | None, given: Sequence[str], known: Sequence[str]) -> dict[Any, Any]:
        """Looks at what is given; the tab of the network comes to the front."""
        answer = self.answers.look(name or "", given, known)
        tab = self.layout.found[answer.title]
        bound = answer.bound
        return {
            self.layout.head.message: "",
            self.layout.tabs: gr.Tabs(selected=answer.title),
            tab.bound: gr.Slider(label=bound.label, maximum=bound.highest, value=bound.start),
            tab.classes: gr.Dropdown(list(answer.classes), value=[], visible=bool(answer.classes)),
            tab.found: answer.html,
            tab.command: answer.command,
            tab.key: answer.key,
        }

    def again(self, tab: Tab) -> Callable[..., dict[Any, Any]]:
        """Shows more or less of what was found in a tab."""

        def again(key: str, bound: float, classes: Sequence[str]) -> dict[Any, Any]:
            if not key:
                return {self.layout.head.message: ""}
            html, command = self.answers.again(key, Limits(bound, classes))
            return {self.layout.head.message: "", tab.found: html, tab.command: command}

        return self.said(again)

    def compare(self, name: str, other: str, given: Sequence[str]) -> dict[Any, Any]:
        """Two networks on the photo."""
        uploads = [self.answers.uploads.take(path) for path in given]
        found = compared(self.answers.models, [name or "", other or ""], uploads)
        return {self.layout.head.message: "", self.layout.comparison.found: found}

    def list_runs(self) -> dict[Any, Any]:
        """The runs that there are now."""
        runs = self.layout.runs
        with_curves = runs_with_curves(self.runs)
        first = with_curves[0] if with_curves else None
        return {
            runs.table: runs_table(self.runs),
            runs.run: gr.Dropdown(with_curves, value=first),
            runs.curves: curves(self.runs, first) if first else "",
        }

    def show_curves(self, run: str) -> dict[Any, Any]:
        """The curves of a run."""
        return {self.layout.runs.curves: curves(self.runs, run)}

    def train(self) -> Iterator[dict[Any, Any]]:
        """Trains the demo, and lists it."""
        message = self.layout.head.message
        try:
            for line in trained_demo(self.demo, self.runs / "demo"):
                yield {message: note(line), self.layout.head.train: gr.Button(interactive=False)}
            yield self.listed()
        except Exception as error:
            again = gr.Button(interactive=True)
            yield {message: alert(self._said(error)), self.layout.head.train: again}

    def said(self, answer: Callable[..., dict[Any, Any]]) -> Callable[..., dict[Any, Any]]:
        """An answer; or, where it fails, why, above all."""

        def answered(*given: Any) -> dict[Any, Any]:
            try:
                return answer(*given)
            except Exception as error:
                return {self.layout.head.message: alert(self._said(error))}

        return answered

    def _said(self, error: Exception) -> str:
        if isinstance(error, InputError):
            return str(error)
        logger.error("The page could not answer", exc_info=error)
        return f"This failed, which is our mistake: {error}. The console has more of it"


def connect(layout: Layout, events: Events) -> None:
    """Connects all parts of the page with what answers them, within ``gr.Blocks``."""
    head, given, comparison, runs = layout.head, layout.input, layout.comparison, layout.runs
    listing = [head.model, comparison.other, head.message, head.train]
    gr.on(None, events.listed, outputs=listing, **HIDDEN)
    head.renew.click(events.said(events.listed), outputs=listing, **HIDDEN)
    head.train.click(events.train, outputs=listing, concurrency_limit=2, **HIDDEN)

    found = [part for tab in layout.found.values() for part in tab]
    looking: dict[str, Any] = {
        "fn": events.said(events.look),
        "inputs": [head.model, given.given, given.known],
        "outputs": [head.message, layout.tabs, *found],
        **ONE_BY_ONE,
        **HIDDEN,
    }
    for part, happens in ((given.photo, given.photo.change), (given.several, given.several.upload)):
        happens(lambda paths: paths, part, given.given, **HIDDEN).then(**looking)
    given.again.click(**looking)
    for tab in layout.found.values():
        gr.on(
            [tab.bound.release, tab.classes.input],
            events.again(tab),
            [tab.key, tab.bound, tab.classes],
            [head.message, tab.found, tab.command],
            show_progress="hidden",
            trigger_mode="always_last",
            **HIDDEN,
        )
    comparison.compare.click(
        events.said(events.compare),
        [head.model, comparison.other, given.given],
        [head.message, comparison.found],
        **ONE_BY_ONE,
        **HIDDEN,
    )
    listed_runs = [runs.table, runs.run, runs.curves]
    runs.tab.select(events.said(events.list_runs), outputs=[head.message, *listed_runs], **HIDDEN)
    runs.run.input(events.said(events.show_curves), runs.run, [head.message, runs.curves], **HIDDEN)
