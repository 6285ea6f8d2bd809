"""Networks in files predict without torch what they do with it, and damaged folders are refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from PIL import Image

import tasks.api
from backbone.errors import InputError
from tasks.api import load
from tasks.common.commands import predict as command
from tasks.common.exported.metadata import file_facts
from tasks.common.exported.opening import in_batches
from tasks.common.machine.core_count import num_cores
from tasks.common.machine.stopping import StoppedError
from tests.commands import ROOT, Finished, run_inside
from tests.small_data import noise
from tests.test_export import assert_near, export, written_network

TASKS = ("ssd_coco", "mask_rcnn_coco", "imagenet", "planet", "multitask_faces")
HEAVY = ("torch", "lightning", "torchvision", "torchmetrics", "timm", "albumentations")
SECONDS = 1.0  # of the processor, for one photo, on a machine of its own
MOST_CROWDED = 4
WHOLE = "data.embedding.alignment=none"  # finding faces is the work of torch
WITH_TORCH = "as the test asks"


class App(NamedTuple):
    task: str
    folder: Path
    photos: list[Path]
    settings: tuple[str, ...]


@pytest.fixture(scope="module", params=TASKS)
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> App:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "photos").mkdir()
    for number in range(3):
        noise(80 + number, 60).save(folder / "photos" / f"{number}.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    noise(90, 50).save(folder / "photos" / "3.jpg", exif=turned)
    settings = (WHOLE,) if request.param == "multitask_faces" else ()
    file = written_network(request.param, folder)
    done = export(
        f"task={request.param}", f"init={file}", "output=app", "batch=2", *settings, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return App(request.param, folder, sorted((folder / "photos").iterdir()), settings)


@pytest.fixture
def with_torch(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has networks in files run within torch's task from then on, as for other settings."""

    def ask() -> None:
        for module in (command, tasks.api):
            monkeypatch.setattr(module, "why_torch", lambda *_: WITH_TORCH)

    return ask


def found_by(app: App, output: str, *settings: str) -> tuple[Finished, list[dict[str, Any]]]:
    given = ("input=photos", f"output={output}", "data.batch_size=3", *app.settings, *settings)
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
import json, runpy, sys, time

tool, arguments, photo, heavy = json.loads(sys.argv[1])
sys.argv = [tool, *arguments]
runpy.run_path(tool, run_name="__main__")
seconds = time.process_time()
entry = {}
if photo:
    from tasks.api import load

    entry = load("app")(photo)
imported = [name for name in heavy if name in sys.modules]
print(json.dumps([seconds, imported, sorted(entry)]))
"""


def in_a_process(app: App, *, loads: bool) -> list[Any]:
    """Processor seconds of a prediction, what it imported, and what ``load`` says of a photo."""
    given = ["exported=app", f"input={app.photos[0]}", "output=process", "overwrite=true"]
    photo = str(app.photos[1]) if loads else ""
    task = [str(ROOT / "tools" / "predict.py"), [*given, *app.settings], photo, HEAVY]
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
    aligned = app.task == "multitask_faces"  # load has no setting for whole photos
    seconds, heavy, keys = in_a_process(app, loads=not aligned)
    assert heavy == []
    assert aligned or {"file", "width", "height"} < set(keys)
    # masks are drawn by a library that takes as long as all the rest
    limit = SECONDS * (2 if app.task == "mask_rcnn_coco" else 1)
    # what shares the machine's cores takes their caches too
    assert seconds < limit * min(max(os.getloadavg()[0] / num_cores(), 1), MOST_CROWDED)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> App:
    """A classifier, exported for any number of photos."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "photos").mkdir()
    for number in range(5):
        noise(40 + number, 40).save(folder / "photos" / f"{number}.png")
    file = written_network("imagenet", folder)
    done = export("task=imagenet", f"init={file}", "output=app", cwd=folder)
    assert done.returncode == 0, done.stderr
    return App("imagenet", folder, sorted((folder / "photos").iterdir()), ())


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


def test_a_file_for_a_fixed_number_of_photos_takes_any() -> None:
    sizes: list[int] = []

    def run(image: np.ndarray) -> dict[str, np.ndarray]:
        sizes.append(len(image))
        return {"mean": image.mean((1, 2, 3))}

    photos = np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3), np.uint8)
    found = in_batches(run, 2)(photos)
    assert sizes == [2, 2, 2]
    np.testing.assert_allclose(found["mean"], photos.mean((1, 2, 3)))


def changed(folder: Path, **changes: Any) -> None:
    path = folder / "metadata.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, **changes}))


def of_other_bytes(folder: Path, content: bytes) -> None:
    """A file whose checksum is right, and that is no ONNX."""
    (folder / "model.onnx").write_bytes(content)
    changed(folder, files=[file_facts(folder / "model.onnx")])


def cut_short(folder: Path) -> None:
    file = folder / "model.onnx"
    file.write_bytes(file.read_bytes()[:-100])


def with_other_labels(folder: Path) -> None:
    about = json.loads((folder / "metadata.json").read_text())
    labels = {"names": ["a", "b"], "ids": [1, 2]}
    changed(folder, network={**about["network"], "label_map": labels})


def with_another_side(folder: Path) -> None:
    about = json.loads((folder / "metadata.json").read_text())
    changed(folder, network={**about["network"], "image_size": 64})


def with_other_outputs(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    old = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["other" if name == old else name for name in node.output]
    model.graph.output[0].name = "other"
    onnx.save(model, folder / "model.onnx")
    changed(folder, files=[file_facts(folder / "model.onnx")])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut_short, "is not the file that the metadata"),
        (lambda folder: (folder / "model.onnx").unlink(), "there is no model.onnx in it"),
        (lambda folder: (folder / "metadata.json").unlink(), "there is no metadata.json in it"),
        (lambda folder: (folder / "metadata.json").write_text("{"), "cannot be read"),
        (lambda folder: changed(folder, version=2), "version 2; this is for version 1"),
        (lambda folder: changed(folder, files=[]), "do not say what its files are"),
        (lambda folder: changed(folder, files=[{"name": "../x"}]), "do not say what its files"),
        (lambda folder: changed(folder, format="tape"), "format=tape: there is no such format"),
        (lambda folder: changed(folder, task=""), "Give task="),
        (lambda folder: of_other_bytes(folder, b"no network"), "cannot be run"),
        (with_other_labels, "its metadata name 2 classes"),
        (with_another_side, "does not take photos of 64 pixels"),
        (with_other_outputs, "and probabilities is needed"),
    ],
)
def test_a_damaged_folder_is_refused(
    small: App, damage: Callable[[Path], Any], said: str, tmp_path: Path
) -> None:
    shutil.copytree(small.folder / "app", tmp_path / "app")
    damage(tmp_path / "app")
    given = ("exported=app", f"input={small.photos[0]}", "output=found")
    done = run_inside("predict", *given, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr, done
    assert done.stderr.count("error: ") == 1 and "Traceback" not in done.stderr


def test_a_request_to_stop_is_granted_after_a_batch(
    small: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.common.predictions import exported

    class Asked(exported.StopRequest):
        def listen(self) -> None:
            self.signum = 15

        def grant(self, signum: int, *_: Any, **__: Any) -> Any:
            raise StoppedError(signum)

    monkeypatch.setattr(exported, "StopRequest", Asked)
    given = ("exported=app", "input=photos", "output=stopped", "data.batch_size=2")
    done = run_inside("predict", *given, cwd=small.folder)
    assert done.returncode == 143 and "2 of 5 photos are done" in done.stderr
