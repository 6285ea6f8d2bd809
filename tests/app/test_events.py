"""What the page does without a network, and when an answer fails."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from backbone.errors import InputError
from tasks.app.answers import Answers
from tasks.app.models import Models
from tests.app.small_page import written_networks

gradio = pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[app]'")


@pytest.fixture
def events(tmp_path: Path) -> Any:
    from tasks.app.events import Events
    from tasks.app.layout import lay_out

    with gradio.Blocks():
        layout = lay_out()
    models = Models([tmp_path / "runs", tmp_path / "weights"], [])
    return Events(layout, Answers(models, tmp_path), runs=tmp_path / "runs", demo=["seed=3"])


def test_without_a_network_the_page_offers_to_train_one(
    events: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = events.layout.head
    first = events.listed()
    assert f"There is no trained network in {tmp_path}/runs/" in first[head.message]
    assert first[head.train].visible and first[head.model].choices == []
    asked: list[tuple[Sequence[str], Path]] = []

    def trained(settings: Sequence[str], run_dir: Path) -> Iterator[str]:
        asked.append((settings, run_dir))
        yield "Training: step 3"
        written_networks(tmp_path / "weights", "imagenet")

    monkeypatch.setattr("tasks.app.events.trained_demo", trained)
    going, done = events.train()
    assert asked == [(["seed=3"], tmp_path / "runs" / "demo")]
    assert "Training: step 3" in going[head.message] and not going[head.train].interactive
    name = str(tmp_path / "weights" / "imagenet.safetensors")
    assert done[head.model].value == name and not done[head.train].visible
    assert done[head.message] == ""


def test_a_training_that_fails_says_why(events: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(settings: Sequence[str], run_dir: Path) -> Iterator[str]:
        raise InputError("data=demo: no room on the disk")
        yield ""

    monkeypatch.setattr("tasks.app.events.trained_demo", refused)
    (said,) = events.train()
    assert "data=demo: no room on the disk" in said[events.layout.head.message]
    assert said[events.layout.head.train].interactive


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("a.png is <empty>"), "a.png is &lt;empty&gt;"),
        (RuntimeError("out of memory"), "This failed, which is our mistake: out of memory"),
    ],
)
def test_an_answer_that_fails_is_said_on_the_page(error: Exception, said: str, events: Any) -> None:
    def fails() -> dict[Any, Any]:
        raise error

    answered = events.said(fails)()
    assert said in answered[events.layout.head.message]
    assert 'role="alert"' in answered[events.layout.head.message]
