"""Networks in files predict without torch what they do with it, and damaged folders are refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tasks.api
from backbone.errors import InputError
from tasks.api import load
from tasks.common.commands import predict as command
from tasks.common.machine.stopping import StoppedError
from tests.commands import ROOT, Finished, run_inside
from tests.exported.small_exports import App, assert_near, changed, shipped

TASKS = ("ssd_coco", "mask_rcnn_coco", "imagenet", "planet", "multitask_faces")
HEAVY = ("torch", "lightning", "torchvision", "torchmetrics", "timm", "albumentations")
WITH_TORCH = "as the test asks"


@pytest.fixture(scope="module", params=TASKS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> App:
    return shipped(request.param, tmp_path_factory.mktemp(request.param), tmp_path_factory)


@pytest.fixture
def with_torch(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has networks in files run within torch's task from then on, as for other settings."""

    def ask() -> None:
        for module in (command, tasks.api):
            monkeypatch.setattr(module, "why_torch", lambda *_: WITH_TORCH)

    return ask


def found_by(app: App, output: str, *settings: str) -> tuple[Finished, list[dict[str, Any]]]:
    given = ("input=photos", f"output={output}", "data.batch_size=3", *settings)
    done = run_inside("predict", "exported=app", *given, cwd=app.folder)
    assert done.returncode == 0, done.stderr
    lines = (app.folder / output / "predictions.jsonl").read_text().splitlines()
    return done, [json.loads(line) for line in lines]


@pytest.mark.parametrize("settings", [(), ("min_score=0.012", "format=csv", "pictures=null")])
def test_the_command_says_the_same_as_with_torch(
    app: App, settings: tuple[str, ...], with_torch: Callable[[], None]
) -> None:
    name = f"{len(settings)}"
    done, alone = found_by(app, f"alone{name}", *settings)
    with_torch()
    other, expected = found_by(app, f"torch{name}", *settings)
    assert len(alone) == 4 and [entry["file"] for entry in alone] == [
        entry["file"] for entry in expected
    ]
    for ours, theirs in zip(alone, expected, strict=True):
        assert_near(theirs, ours)

    def said(text: str) -> list[str]:  # but for how many threads there are, and where it is
        return [line.replace(f"alone{name}", f"torch{name}") for line in text.splitlines()[1:]]

    assert said(done.stdout) == said(other.stdout)
    folders = [app.folder / f"{kind}{name}" for kind in ("alone", "torch")]
    written = [sorted(path.relative_to(top) for path in top.rglob("*")) for top in folders]
    assert written[0] == written[1]
    for picture in folders[0].rglob("*.jpg"):
        same = folders[1] / picture.relative_to(folders[0])
        ours, theirs = (np.asarray(Image.open(path), int) for path in (picture, same))
        assert ours.shape == theirs.shape and np.abs(ours - theirs).mean() < 2


ALONE = """
import json, runpy, sys

tool, arguments, photo, heavy = json.loads(sys.argv[1])
sys.argv = [tool, *arguments]
runpy.run_path(tool, run_name="__main__")
from tasks.api import load

entry = load("app")(photo)
imported = [name for name in heavy if name in sys.modules]
print(json.dumps([imported, sorted(entry)]))
"""


def in_a_process(app: App) -> list[Any]:
    """What a prediction has imported, and what ``load`` says of a photo."""
    given = ["exported=app", f"input={app.photos[0]}", "output=process", "overwrite=true"]
    photo = str(app.photos[1])
    task = [str(ROOT / "tools" / "predict.py"), given, photo, HEAVY]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(task)],
        cwd=app.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_neither_torch_nor_lightning_is_imported(app: App) -> None:
    heavy, keys = in_a_process(app)  # faces are taken as those that the network was exported with
    assert heavy == []
    assert {"file", "width", "height"} < set(keys)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> App:
    return shipped("imagenet", tmp_path_factory.mktemp("small"), tmp_path_factory)


def test_prediction_goes_on_where_it_stopped(small: App, monkeypatch: pytest.MonkeyPatch) -> None:
    _, expected = found_by(small, "whole", "pictures=null")
    lines = small.folder / "whole" / "predictions.jsonl"
    lines.write_text("".join(f"{json.dumps(entry)}\n" for entry in expected[:2]))
    _, again = found_by(small, "whole", "pictures=null", "skip_existing=true")
    assert again == expected
    (small.folder / "whole" / "made_by.json").write_text('{"weights": "", "settings": {}}')
    given = ("exported=app", "input=photos", "output=whole", "skip_existing=true", "pictures=null")
    done = run_inside("predict", *given, cwd=small.folder)
    assert done.returncode == 2 and "with other weights" in done.stderr


def test_a_photo_that_cannot_be_read_is_named(small: App) -> None:
    mixed = small.folder / "mixed"
    mixed.mkdir()
    shutil.copy(small.photos[0], mixed / "a.png")
    (mixed / "b.png").write_text("no photo")
    given = ("exported=app", "input=mixed", "output=mixed_found")
    done = run_inside("predict", *given, cwd=small.folder)
    assert done.returncode == 2 and "1 of 2 photos could not be read" in done.stderr
    done = run_inside(
        "predict", *given, "data.on_bad_image=skip", "overwrite=true", cwd=small.folder
    )
    assert done.returncode == 0 and "1 of 2 photos done" in done.stdout
    with pytest.raises(InputError, match=r"b\.png"):
        load(small.folder / "app")(mixed / "b.png")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("heat_map=true",), "does not show what decided its predictions"),
        (("min_score=2",), "min_score=2"),
        (("classes=cat",), "the network knows no such class"),
        (("pages=true",), "only places have pages"),
        (("data.batch_size=0",), "data.batch_size=0"),
        (("data.on_bad_image=ignore",), "data.on_bad_image=ignore"),
    ],
)
def test_settings_are_refused(small: App, settings: tuple[str, ...], said: str) -> None:
    given = ("exported=app", "input=photos", "output=refused", *settings)
    done = run_inside("predict", *given, cwd=small.folder)
    assert done.returncode == 2 and said in done.stderr, done
    assert "Traceback" not in done.stderr


def test_what_needs_torch_says_so_where_there_is_none(
    small: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else name)
    for setting in ("tile=300", "backbone.width=0.5"):
        given = ("exported=app", "input=photos", "output=refused", setting)
        done = run_inside("predict", *given, cwd=small.folder)
        assert done.returncode == 2 and f"{setting} needs torch" in done.stderr
    shutil.copytree(small.folder / "app", small.folder / "raw")
    changed(small.folder / "raw", decoded=False)
    given = ("exported=raw", "input=photos", "output=refused")
    done = run_inside("predict", *given, cwd=small.folder)
    assert done.returncode == 2 and "left to be decoded, needs torch" in done.stderr


def test_points_and_devices(small: App) -> None:
    model = load(small.folder / "app")
    assert "classification on mobilenet" in repr(model) and "onnx" in repr(model)
    with pytest.raises(InputError, match="gives no pooled features"):
        model.embed(small.photos[0])
    with pytest.raises(InputError, match="device=cuda"):
        model.to("cuda")
    assert model.draw(small.photos[0]).size[0] >= 40


def test_a_request_to_stop_is_granted_after_a_batch(
    small: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.common.predictions import network

    class Asked(network.StopRequest):
        def listen(self) -> None:
            self.signum = 15

        def grant(self, signum: int, *_: Any, **__: Any) -> Any:
            raise StoppedError(signum)

    monkeypatch.setattr(network, "StopRequest", Asked)
    given = ("exported=app", "input=photos", "output=stopped", "data.batch_size=2")
    done = run_inside("predict", *given, cwd=small.folder)
    assert done.returncode == 143 and "2 of 4 photos are done" in done.stderr


@pytest.mark.parametrize("app", ["imagenet", "planet", "multitask_faces"], indirect=True)
def test_pictures_that_are_ready_are_described_as_by_torch(app: App) -> None:
    """As the page has all faces of a photo looked at; detectors look at whole photos."""
    file = load(app.folder / "app", task=app.task).network
    network = load(app.folder / f"{app.task}.safetensors", task=app.task).network
    side = file.config.data.image_size
    pictures = np.random.default_rng(0).integers(0, 255, (2, side, side, 3), dtype=np.uint8)
    frames = np.tile(np.eye(2, 3), (2, 1, 1))
    for ours, theirs in zip(
        network.describe(pictures, frames), file.describe(pictures, frames), strict=True
    ):
        assert_near(ours, theirs)
    assert file.description["image_size"] == network.description["image_size"]
