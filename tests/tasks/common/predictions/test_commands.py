"""Prediction at length: what is kept, what is left out, and how it goes on."""

import csv
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.commands import Finished, run_inside
from tests.phases import Trap, phase
from tests.photo_files import write_photos
from tests.small_data import TRAIN, evaluate, refuses, write_coco, write_weights

NAMES = ["a.png", "b.jpg", "in/a.png", "in/deep/a.jpg", "c.webp"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in NAMES:
        file = tmp_path / "photos" / name
        write_photos(file.parent, [file.name])
    return tmp_path


def look(weights: Path, place: Path, *settings: str) -> Finished:
    given = ("task=ssd_coco", f"init={weights}", "data.num_workers=0")
    ours = {setting.partition("=")[0] for setting in settings}
    usual = {"input": "photos", "output": "found"}
    rest = [f"{key}={value}" for key, value in usual.items() if key not in ours]
    return run_inside("predict", *given, *rest, *settings, cwd=place)


def lines(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place / "found/predictions.jsonl").open()]


def done(finished: Finished) -> Finished:
    assert finished.returncode == 0, finished.stderr
    return finished


def test_entries_name_their_pictures_which_keep_folders(weights: Path, place: Path):
    done(look(weights, place))
    entries = lines(place)
    assert entries == json.loads((place / "found/predictions.json").read_text())
    assert [entry["file"] for entry in entries] == sorted(
        (f"photos/{name}" for name in NAMES), key=Path
    )
    pictures = [entry["picture"] for entry in entries]
    assert pictures == [
        *("pictures/00000_a.jpg", "pictures/00001_b.jpg", "pictures/00002_c.jpg"),
        *("pictures/in/00003_a.jpg", "pictures/in/deep/00004_a.jpg"),
    ]
    assert all((place / "found" / picture).is_file() for picture in pictures)
    done(look(weights, place, "overwrite=true", "pictures=null"))
    assert not (place / "found/pictures").exists()
    assert [{**entry, "picture": 0} for entry in lines(place)] == [
        {**entry, "picture": 0} for entry in entries
    ]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ((), {"disc", "square"}),
        (("classes=disc",), {"disc"}),
        (("classes=[disc,square]",), {"disc", "square"}),
        (("classes=square", "min_score=0.999"), set()),
    ],
)
def test_only_what_is_of_interest_is_written(weights: Path, place: Path, settings, names):
    done(look(weights, place, *settings))
    found = [row for entry in lines(place) for row in entry["detections"]]
    assert {row["name"] for row in found} == names and len(lines(place)) == len(NAMES)
    least = float(dict(s.split("=") for s in settings).get("min_score", 0))
    assert all(row["score"] >= least for row in found)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["classes=Disk"], "classes=Disk: the network knows no such class. Did you mean disc?"),
        (["classes=[]"], "nothing would be left"),
        (["min_score=2"], "min_score=2: a number from 0 up to 1 is needed"),
        (
            ["format=xml"],
            "format=xml is unknown; it can be json or csv or geojson",
        ),
        (["pages=true"], "only places have pages"),
        (["format=geojson"], "only places have it. Give format=csv"),
        (["format=npz"], "only embeddings of faces have it. Give format=parquet"),
        (["every=0"], "every=0: a whole number from 1 is needed"),
        (["tile=3"], "tile=3: a whole number from 32 is needed"),
        (["skip_existing=true", "overwrite=true"], "would remove what skip_existing=true"),
    ],
)
def test_what_cannot_be_is_refused(weights: Path, place: Path, settings: list[str], said: str):
    refuses(look(weights, place, *settings), said, folder=place / "found")


def test_tables_have_a_row_for_each_thing(weights: Path, place: Path):
    done(look(weights, place, "format=csv", "min_score=0.5", "classes=disc", "pictures=null"))
    with (place / "found/predictions.csv").open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    expected = [(entry["file"], row) for entry in lines(place) for row in entry["detections"]]
    seen = [row for row in rows if row["name"]]
    assert len(seen) == len(expected) and {row["file"] for row in rows} == {
        entry["file"] for entry in lines(place)
    }
    for row, (file, thing) in zip(seen, expected, strict=True):
        assert (row["file"], row["name"]) == (file, thing["name"])
        assert float(row["score"]) == thing["score"]
        sides = [float(row[f"bbox_{side}"]) for side in ("x", "y", "width", "height")]
        assert sides == thing["bbox"]


def test_what_is_done_is_not_done_again(weights: Path, place: Path):
    done(look(weights, place))
    first = (place / "found/predictions.jsonl").read_bytes()
    file = place / "found/predictions.jsonl"
    half = b"".join(first.splitlines(keepends=True)[:2])
    file.write_bytes(half + first[len(half) :][:20])  # killed in the middle of a line
    write_photos(place / "photos", ["new.png"])
    old = (place / "found" / lines_of(half)[0]["picture"]).stat().st_mtime_ns
    said = done(look(weights, place, "skip_existing=true")).stdout
    assert "6 of 6 photos done" in said
    entries = lines(place)
    assert file.read_bytes().startswith(half) and len(entries) == 6
    assert {entry["file"] for entry in entries} == {f"photos/{n}" for n in (*NAMES, "new.png")}
    assert entries == json.loads((place / "found/predictions.json").read_text())
    assert (place / "found" / entries[0]["picture"]).stat().st_mtime_ns == old


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("min_score=0.1", "min_score: None then, 0.1 now"),
        ("head.nms_iou=0.3", "head.nms_iou: 0.6 then, 0.3 now"),
        ("pictures=null", "pictures"),
    ],
)
def test_others_are_not_mixed_in(weights: Path, place: Path, setting: str, said: str):
    done(look(weights, place))
    before = (place / "found/predictions.jsonl").read_bytes()
    refused = look(weights, place, "skip_existing=true", setting)
    assert refused.returncode == 2 and said in refused.stderr, refused.stderr
    again = look(weights, place)
    assert again.returncode == 2 and "skip_existing=true to go on" in again.stderr
    assert (place / "found/predictions.jsonl").read_bytes() == before


def test_other_weights_are_not_mixed_in(weights: Path, place: Path):
    done(look(weights, place))
    other = write_weights(place / "other.safetensors", trained_on=["others"])
    done(look(other, place, "skip_existing=true"))  # the same numbers in another file
    made = place / "found/made_by.json"
    made.write_text(made.read_text().replace('"weights": "', '"weights": "f'))
    refused = look(weights, place, "skip_existing=true")
    assert refused.returncode == 2 and "with other weights" in refused.stderr


def test_the_output_may_lie_in_the_input(weights: Path, place: Path):
    for settings in ((), ("overwrite=true",), ("skip_existing=true",)):
        said = done(look(weights, place, "input=.", "output=.", *settings)).stdout
        assert "5 of 5 photos done" in said


def test_without_a_photo_what_is_there_is_said(weights: Path, place: Path):
    (place / "empty").mkdir()
    for name in ("a.txt", "b.txt", "c.xyz"):
        (place / "empty" / name).touch()
    refused = look(weights, place, "input=empty")
    assert (
        refused.returncode == 2 and "3 of 3 files are no photos: 2 .txt, 1 .xyz" in refused.stderr
    )


def test_what_is_needed_is_said(weights: Path, place: Path):
    missing = run_inside("predict", "task=ssd_coco", f"init={weights}", "output=o", cwd=place)
    refuses(missing, "input= is needed: a photo, a film, a folder", folder=place)


def test_pictures_can_be_switched_off_everywhere(weights: Path, tmp_path: Path):
    root = write_coco(tmp_path / "coco")
    done(run_inside("train", *TRAIN, f"data.root={root}", "pictures=null", cwd=tmp_path))
    assert (tmp_path / "run/metrics.json").is_file() and not (tmp_path / "run/pictures").exists()
    (tmp_path / "run").rename(tmp_path / "trained")
    done(evaluate(weights, root, "pictures=null", cwd=tmp_path))
    assert (tmp_path / "run/metrics.json").is_file() and not (tmp_path / "run/pictures").exists()
    given = ("checkpoint=trained", f"input={root / 'val'}", "output=found", "data.num_workers=0")
    done(run_inside("predict", *given, cwd=tmp_path))
    assert len(list((tmp_path / "found/pictures").iterdir())) == 2
    demo = run_inside("demo_ssd_coco", "pictures=null", "output=shown", cwd=tmp_path)
    refuses(demo, "pictures=null: a demo shows pictures", folder=tmp_path / "shown")


def test_a_killed_command_has_kept_all_it_has_done(weights: Path, place: Path):
    given = [
        *("task=ssd_coco", f"init={weights}", "data.num_workers=0", "data.batch_size=1"),
        *(f"input={place / 'photos'}", f"output={place / 'found'}", "trainer.accelerator=cpu"),
    ]
    trap = Trap("tasks.common.predictions.writer:PredictionWriter.__call__", 4)
    ended = phase("predict", *given, trap=trap, output=place / "said.txt")
    assert ended.code == -signal.SIGKILL
    entries = lines(place)
    assert len(entries) == 3 and not (place / "found/predictions.json").exists()
    for entry in entries:
        Image.open(place / "found" / entry["picture"]).verify()
    assert (
        "5 of 5 photos" in done(run_inside("predict", *given, "skip_existing=true", cwd=place))[1]
    )
