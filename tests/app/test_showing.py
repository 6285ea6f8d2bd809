"""Each application says how its results are shown; one that does not has a view all the same."""

import sys

import pytest
from omegaconf import OmegaConf

import tasks
from tasks.common.showing.finding import all_views, find_view
from tasks.common.showing.view import Limits, View
from tests.commands import ROOT

SHOWN = ["Classify", "Detect", "Faces", "Place", "Other"]


def test_every_application_has_a_tab() -> None:
    assert sorted(view.title for view in all_views()) == sorted(SHOWN)
    assert all_views()[-1].title == "Other"


def test_a_new_application_brings_its_own_as_a_new_file(monkeypatch: pytest.MonkeyPatch) -> None:
    config = OmegaConf.create({"data": {"_target_": "tasks.brightness.data.BrightnessData"}})
    folders = [*tasks.__path__, str(ROOT / "tests" / "new_files" / "tasks")]
    monkeypatch.setattr(tasks, "__path__", folders)
    monkeypatch.delitem(sys.modules, "tasks.brightness", raising=False)
    try:
        view = find_view(config)
        assert view.title == "Brightness" and view.bars({"brightness": 0.5}) == {"brightness": 0.5}
        assert "Brightness" in [one.title for one in all_views()]
    finally:
        for name in [name for name in sys.modules if name.startswith("tasks.brightness")]:
            del sys.modules[name]


def test_any_entry_is_a_table() -> None:
    found = {"name": "cat", "score": 0.123456, "bbox": [1, 2, 3, 4], "counts": "x" * 200}
    entry = {"file": "a.jpg", "width": 9, "detections": [found], "heat_map": [[0.5] * 9]}
    assert View().rows(entry, Limits(0)) == [
        {"bbox_x": 1, "bbox_y": 2, "bbox_width": 3, "bbox_height": 4}
        | {"name": "cat", "score": 0.1235}
    ]
    assert View().kept(entry, Limits(0.2))["detections"] == []
    assert View().rows({"file": "a.jpg", "detections": []}, Limits(0)) == []


def test_other_packages_are_not_asked() -> None:
    config = OmegaConf.create({"data": {"_target_": "os.path.join"}})
    assert type(find_view(config)) is View
