"""Commands that show what decided a class."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.commands import Finished, run_inside
from tests.small_data import noise, refuses, write_weights
from tests.tasks.classification.classifiers import write_classifier

WIDTH, HEIGHT = 90, 60
DRAWN = (720, 480)  # the photo enlarged, so that text is to be read
GAP = 8  # between the two pictures of a photo


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        noise(WIDTH, HEIGHT).save(tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


def look(command: str, weights: Path, photos: Path, *settings: str) -> Finished:
    given = (
        f"init={weights}",
        f"input={photos}",
        "output=found",
        "data.num_workers=0",
        "overwrite=true",
    )
    return run_inside(command, *given, *settings, cwd=photos.parent)


def found(folder: Path) -> tuple[list[dict[str, Any]], set[tuple[int, int]]]:
    """The predictions, and the sizes of the pictures."""
    entries = json.loads((folder / "found" / "predictions.json").read_text())
    pictures = (folder / "found" / "pictures").glob("*.jpg")
    return entries, {Image.open(path).size for path in pictures}


@pytest.mark.parametrize("demo", ["demo_imagenet", "demo_stanford_dogs"])
def test_a_demo_of_imported_weights_shows_what_decided(demo: str, photos: Path) -> None:
    """Their width and image size are others than those of the demo's own training."""
    done = look(demo, write_classifier(photos.parent / "a.safetensors"), photos)
    assert done.returncode == 0, done.stderr
    entries, sizes = found(photos.parent)
    assert [len(entry["classes"]) for entry in entries] == [5, 5]
    for entry in entries:
        values = [value for row in entry["heat_map"] for value in row]
        assert [len(row) for row in entry["heat_map"]] == [2, 2]  # 64 pixels at stride 32
        assert max(values) in (0, 1) and min(values) >= 0
    assert sizes == {(2 * DRAWN[0] + GAP, DRAWN[1])}


def test_predict_shows_it_when_asked(photos: Path) -> None:
    weights = write_classifier(photos.parent / "a.safetensors")
    kept = []
    for asked in ("false", "true"):
        done = look("predict", weights, photos, "task=imagenet", f"heat_map={asked}")
        assert done.returncode == 0, done.stderr
        entries, sizes = found(photos.parent)
        assert all(("heat_map" in entry) == (asked == "true") for entry in entries)
        assert sizes == {(2 * DRAWN[0] + GAP, DRAWN[1]) if asked == "true" else DRAWN}
        kept.append([entry["classes"] for entry in entries])
    assert kept[0] == kept[1]


def test_detectors_have_none(photos: Path) -> None:
    weights = write_weights(photos.parent / "detector.safetensors")
    done = look("predict", weights, photos, "task=ssd_coco", "heat_map=true")
    refuses(done, "heat_map=true", folder=photos.parent)
