"""What a command has left in a folder is not overwritten by another one unless it is asked to."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from tasks.common.commands import run_folder
from tasks.common.commands.request import composed
from tasks.common.commands.run_folder import claim_run, left_in
from tests.commands import Finished, run_inside
from tests.small_data import TRAIN, noise, refuses, write_coco, write_weights

NETWORK = ("task=ssd_coco", "init=small.safetensors", "data.num_workers=0")
COMMANDS = {  # each writes to run
    "train": (*TRAIN, "data.root=coco"),
    "eval": (*NETWORK, "data.root=coco", "run_dir=run"),
    "predict": (*NETWORK, "input=photos", "output=run"),
    "demo_ssd_coco": (NETWORK[1], "data.num_workers=0", "input=photos", "output=run"),
    "make_cells": ("table=places.csv", "output=run/cells.csv", "max_photos=2", "min_photos=1"),
    "prepare": ("dataset=geotagged", "root=places.csv", "output=run/photos.csv"),
}
IN_FOLDERS = ("train", "eval", "predict", "demo_ssd_coco")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_coco(folder / "coco")
    write_weights(folder / "small.safetensors")
    (folder / "photos").mkdir()
    for name in ("a", "b"):
        noise().save(folder / "photos" / f"{name}.jpg")
    places = "".join(f"{n}.jpg,{n},{n},{n}\n" for n in range(1, 21))
    (folder / "places.csv").write_text(f"file,latitude,longitude,place\n{places}")
    return folder


@pytest.fixture
def place(inputs: Path, tmp_path: Path) -> Path:
    """A working directory of a test's own, with the inputs of all."""
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture(scope="module")
def finished(inputs: Path, tmp_path_factory) -> Callable[[str, Path], dict[str, bytes]]:
    """Puts what a command leaves into a working directory, and tells it."""
    folders: dict[str, Path] = {}

    def put(tool: str, place: Path) -> dict[str, bytes]:
        if tool not in folders:
            folders[tool] = tmp_path_factory.mktemp(tool)
            for path in inputs.iterdir():
                (folders[tool] / path.name).symlink_to(path)
            done = run_inside(tool, *COMMANDS[tool], cwd=folders[tool])
            assert done.returncode == 0, done.stderr
        shutil.copytree(folders[tool] / "run", place / "run")
        return contents(place / "run")

    return put


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refuses_to_replace(done: Finished, *said: str) -> None:
    assert done.returncode == 2, done
    assert done.stderr.count("error: ") == 1 and "Traceback" not in done.stderr
    for text in said:
        assert text in done.stderr


@pytest.mark.parametrize("tool", COMMANDS)
def test_a_command_run_twice_keeps_the_first_ones_results(tool: str, place: Path, finished):
    first = finished(tool, place)
    assert first
    done = run_inside(tool, *COMMANDS[tool], cwd=place)
    refuses_to_replace(done, "run", "overwrite=true")
    assert ("resume=last" in done.stderr) == (tool == "train")
    assert contents(place / "run") == first


@pytest.mark.parametrize("tool", ["make_cells", "prepare"])
def test_a_file_is_replaced_on_request(tool: str, place: Path, finished):
    first = finished(tool, place)
    (path,) = first
    Path(path).write_text("stale")
    done = run_inside(tool, *COMMANDS[tool], "overwrite=true", cwd=place)
    assert done.returncode == 0, done.stderr
    assert contents(place / "run") == first


@pytest.mark.parametrize("tool", IN_FOLDERS)
def test_nothing_stale_remains_and_nothing_of_the_users_goes(tool: str, place: Path, finished):
    finished(tool, place)
    stale = [f"pictures/00007_{tool}.jpg", "classes.csv", ".metrics.json.abcd1234"]
    if tool == "train":
        stale += ["diverged.json", "tensorboard/events.out.tfevents.1.host.1.0"]
    mine = ["notes.txt", "pictures/mine.jpg", "found/predictions.json"]
    for name in (*stale, *mine):
        (place / "run" / name).parent.mkdir(exist_ok=True)
        (place / "run" / name).write_text("written by the test")
    done = run_inside(tool, *COMMANDS[tool], "overwrite=true", cwd=place)
    assert done.returncode == 0, done.stderr
    assert not [name for name in stale if (place / "run" / name).exists()]
    assert all((place / "run" / name).read_text() == "written by the test" for name in mine)


@pytest.mark.parametrize(
    ("tool", "setting"),
    [
        *(("train", setting) for setting in ("data.root=nowhere", "backbone.width=-1")),
        *(("train", setting) for setting in ("init=small", "optim.lr=-1", "head.nms_iou=3")),
        *(("train", setting) for setting in ("trainer.precision=8", "+trainer.profiler=no")),
        *(("train", setting) for setting in ("trainer.val_check_interval=50", "nothing=1")),
        *(("eval", setting) for setting in ("data.root=nowhere", "trainer.accelerator=quantum")),
        *(("predict", setting) for setting in ("input=nowhere", "heat_map=true", "init=small")),
        *(("predict", setting) for setting in ("trainer.precision=8", "data.batch_size=0")),
    ],
)
def test_a_mistake_costs_no_earlier_results(tool: str, setting: str, place: Path, finished):
    first = finished(tool, place)
    name = setting.lstrip("+").partition("=")[0]
    given = [each for each in COMMANDS[tool] if not each.startswith(f"{name}=")]
    done = run_inside(tool, *given, setting, "overwrite=true", cwd=place)
    refuses_to_replace(done)
    assert contents(place / "run") == first


@pytest.mark.parametrize("left", ["config.yaml", "metrics.csv", "checkpoints/last.ckpt"])
@pytest.mark.parametrize("tool", ["train", "eval", "predict", "demo_ssd_coco"])
def test_a_run_that_was_killed_early_is_one(tool: str, left: str, place: Path):
    (place / "run" / left).parent.mkdir(parents=True)
    (place / "run" / left).touch()
    refuses_to_replace(run_inside(tool, *COMMANDS[tool], cwd=place), left)
    assert (place / "run" / left).read_bytes() == b""


@pytest.mark.parametrize("tool", ["eval", "predict"])
def test_only_a_training_replaces_a_training(tool: str, place: Path, finished):
    first = finished("train", place)
    done = run_inside(tool, *COMMANDS[tool], "overwrite=true", cwd=place)
    refuses_to_replace(done, "of a training")
    assert contents(place / "run") == first


@pytest.mark.parametrize("setting", ["init", "resume", "teacher.file"])
def test_a_run_does_not_replace_what_it_starts_from(setting: str, place: Path, finished):
    finished("train", place)
    given = [*COMMANDS["train"], f"{setting}=run/checkpoints/last.ckpt", "overwrite=true"]
    if setting == "teacher.file":
        given = [each for each in given if not each.startswith("task=")]
        given += ["task=imagenet", "teacher=checkpoint"]
    refuses_to_replace(run_inside("train", *given, cwd=place), "last.ckpt")
    assert (place / "run" / "checkpoints" / "last.ckpt").is_file()


def test_a_checkpoint_goes_on_in_its_own_folder_or_a_new_one(place: Path, finished):
    finished("train", place)
    shutil.copytree(place / "run", place / "again")
    longer = (*COMMANDS["train"], "trainer.max_steps=2")
    for resume, run_dir in (
        ("run/checkpoints/last.ckpt", "run"),
        ("again/checkpoints/last.ckpt", "new"),
    ):
        done = run_inside("train", *longer, f"resume={resume}", f"run_dir={run_dir}", cwd=place)
        assert done.returncode == 0, done.stderr
    first = contents(place / "new")
    other = (*longer, "resume=run/checkpoints/last.ckpt", "run_dir=new", "trainer.max_steps=3")
    refuses_to_replace(run_inside("train", *other, cwd=place), "run_dir=new")
    assert contents(place / "new") == first
    done = run_inside("train", *other, "overwrite=true", cwd=place)
    assert done.returncode == 0, done.stderr
    steps = [row.split(",")[0] for row in (place / "new" / "metrics.csv").read_text().split()]
    assert steps[:2] == ["step", "2"]  # none of the run that it replaced


@pytest.mark.parametrize("folder", ["run_dir", None])
def test_jobs_of_a_sweep_have_folders_of_their_own(folder: str | None, place: Path):
    given = [each for each in COMMANDS["train"] if folder or not each.startswith("run_dir=")]
    done = run_inside("train", *given, "-m", "seed=3,4", cwd=place)
    assert done.returncode == 0, done.stderr
    (top,) = [place / "run"] if folder else (place / "runs" / "sweep").glob("[!.]*")
    assert {path.name for path in top.iterdir()} == {"0_seed=3", "1_seed=4"}
    configs = list(top.rglob("config.yaml"))
    assert sorted(OmegaConf.load(path).seed for path in configs) == [3, 4]
    assert len(list(place.rglob("last.ckpt"))) == 2
    table = done.stdout.partition("Of this sweep:\n")[2].splitlines()
    assert table[0].split()[:3] == ["val/map", "minutes", "run"]
    assert sorted(seed for row in table for seed in ("seed=3", "seed=4") if seed in row) == [
        "seed=3",
        "seed=4",
    ]


def test_jobs_of_a_sweep_predict_into_folders_of_their_own(place: Path):
    given = ("-m", *COMMANDS["predict"], "pictures.min_score=0.1,0.9")
    assert run_inside("predict", *given, cwd=place).returncode == 0
    names = {path.name for path in (place / "run").iterdir()}
    assert names == {"0_min_score=0.1", "1_min_score=0.9"}
    refuses_to_replace(run_inside("predict", *given, cwd=place), "output=run/0_min_score=0.1")


@pytest.mark.parametrize("tool", ["train", "eval"])
def test_runs_of_the_same_second_do_not_share_a_folder(tool: str, place: Path, monkeypatch):
    class Clock:
        now = staticmethod(lambda: datetime(2017, 4, 17))

    monkeypatch.setattr(run_folder, "datetime", Clock)
    given = [each for each in COMMANDS[tool] if not each.startswith("run_dir=")]
    for _ in range(2):
        done = run_inside(tool, *given, cwd=place)
        assert done.returncode == 0, done.stderr
    found = [path.parent.name for path in (place / "runs").rglob("metrics.json")]
    assert sorted(found) == ["2017-04-17_00-00-00", "2017-04-17_00-00-00_2"]


@pytest.mark.parametrize("photos", ["photos", "photos/**/*.jpg"])
@pytest.mark.parametrize("tool", ["predict", "demo_ssd_coco"])
def test_pictures_drawn_inside_the_input_are_no_input(tool: str, photos: str, tmp_path: Path):
    write_weights(tmp_path / "small.safetensors")
    (tmp_path / "photos").mkdir()
    noise().save(tmp_path / "photos" / "a.jpg")
    (tmp_path / "photos" / "found" / "pictures").mkdir(parents=True)
    noise().save(tmp_path / "photos" / "found" / "pictures" / "00003_old.jpg")
    given = [each for each in COMMANDS[tool] if not each.startswith(("input=", "output="))]
    for output in ("photos/found", "photos"):
        settings = (f"input={photos}", f"output={output}", "overwrite=true")
        done = run_inside(tool, *given, *settings, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        entries = json.loads((tmp_path / output / "predictions.json").read_text())
        assert "photos/a.jpg" in [entry["file"] for entry in entries]
        if output == "photos/found":
            assert len(entries) == 1
            shutil.rmtree(tmp_path / output)
    again = run_inside(tool, *given, *settings, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "photos" / "predictions.json").read_text()) == entries


def test_pictures_alone_are_not_replaced_by_what_is_seen_in_them(place: Path, finished):
    finished("predict", place)
    given = [each for each in COMMANDS["predict"] if not each.startswith("input=")]
    done = run_inside("predict", *given, "input=run/pictures", "overwrite=true", cwd=place)
    refuses_to_replace(done, "would be replaced")
    assert len(list((place / "run" / "pictures").iterdir())) == 2


def test_a_further_process_finds_the_first_ones_files(tmp_path: Path, monkeypatch):
    request = composed("train", ["task=ssd_coco", f"run_dir={tmp_path}"])
    (tmp_path / "config.yaml").touch()
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("MOBILENET_RUN_DIR", str(tmp_path))
    assert claim_run(request).folder == tmp_path
    replacing = composed("train", [*request.overrides, "overwrite=true"])
    assert not claim_run(replacing).earlier


def test_the_folder_of_a_refused_command_is_free(place: Path):
    done = run_inside("train", *COMMANDS["train"], "optim.lr=-1", cwd=place)
    refuses(done, folder=place / "run")
    assert run_inside("train", *COMMANDS["train"], cwd=place).returncode == 0
    assert left_in(place / "run")
