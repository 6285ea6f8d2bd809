"""The suite from Python: what a command says, and in its words."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backbone.weights import Weights, read_weights, save_weights
from tasks.api import InputError, Model, evaluate, load, predict, train
from tests.commands import run_inside

SMALL = {
    "task": "ssd_coco",
    "data": "demo",
    "data.num_train": 8,
    "data.num_val": 3,
    "data.batch_size": 4,
    "data.image_size": 96,
    "data.num_workers": 0,
    "backbone.width": 0.25,
    "trainer.max_steps": 2,
    "ema_decay": None,
    "pictures.count": 0,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run folder, trained from Python."""
    folder = tmp_path_factory.mktemp("run")
    metrics = train(**SMALL, run_dir=folder)
    assert metrics == json.loads((folder / "metrics.json").read_text())
    return folder


@pytest.fixture(scope="module")
def checkpoint(run: Path) -> Path:
    return run / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def photos(run: Path) -> list[Path]:
    return sorted((run / "data").rglob("*.jpg"))[:3]


@pytest.fixture(scope="module")
def model(checkpoint: Path) -> Model:
    return load(checkpoint)


def test_a_model_says_what_predictions_json_says(model, checkpoint, photos, tmp_path):
    said = predict(checkpoint=checkpoint, input=photos[0].parent, output=tmp_path)
    assert said == json.loads((tmp_path / "predictions.json").read_text())
    files = [Path(entry["file"]) for entry in said]
    for own, theirs in zip(model(files), said, strict=True):
        assert own.keys() == theirs.keys() - {"picture"} and own["width"] == theirs["width"]
        scores = [[found["score"] for found in entry["detections"]] for entry in (own, theirs)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_a_photo_is_the_same_from_wherever_it_comes(model, photos):
    image = Image.open(photos[0]).convert("RGB")
    image.save(png := photos[0].with_suffix(".png"))
    (array, tensor) = np.array(image), torch.from_numpy(np.array(image)).permute(2, 0, 1)
    from_file = model(png)
    assert from_file.pop("file") == str(png)
    for photo in (image, array, tensor, array / 255, tensor / 255):
        assert model(photo) == from_file
    first, second = model([image, array])
    assert first == second


def test_a_picture_of_what_is_found(model, photos):
    everything, nothing = (model.draw(photos[0], min_score=score) for score in (0, 1.1))
    assert everything.size == nothing.size
    assert np.any(np.asarray(everything) != np.asarray(nothing))
    assert len(model.draw(photos)) == len(photos)


def test_points_of_photos(model, photos):
    points = model.embed(photos)
    assert points.shape == (3, 256) and points.dtype == np.float32
    assert model.embed(photos[1]) == pytest.approx(points[1], abs=1e-5)


def test_a_network_alone_is_loaded_with_its_task(run, model, photos):
    alone = load(run / "weights.safetensors")
    assert repr(alone) == repr(load(run / "checkpoints" / "best.ckpt"))
    assert alone.names == model.names and alone.to("cpu") is alone
    assert "ssd on mobilenet width=0.25" in repr(alone) and "96 pixels" in repr(alone)


def test_weights_that_no_task_is_known_for_are_refused(run, tmp_path):
    whole = read_weights(run / "weights.safetensors")
    headless = {key: value for key, value in whole.description.items() if key != "head"}
    save_weights(tmp_path / "headless.safetensors", Weights(whole.tensors, headless))
    with pytest.raises(InputError, match="holds no head"):
        load(tmp_path / "headless.safetensors")
    with pytest.raises(InputError, match="it was made for another task"):
        load(run / "weights.safetensors", task="imagenet")


@pytest.mark.parametrize(
    "photo",
    [3, np.zeros((3, 20, 20)), np.full((4, 4, 3), 7.0), np.zeros((0, 4, 3)), torch.zeros(4, 4, 3)],
)
def test_what_is_no_photo_is_refused_with_what_is(model, photo):
    with pytest.raises(InputError, match=r"an array \(H, W, 3\) or a tensor \(3, H, W\) is needed"):
        model(photo)


def test_files_are_refused_in_the_commands_words(model, tmp_path, checkpoint):
    (tmp_path / "note.jpg").write_text("no photo")
    for name in ("nowhere.jpg", "note.jpg"):
        with pytest.raises(InputError) as error:
            model(tmp_path / name)
        said = f"{tmp_path / name}"
        assert said in str(error.value)
    done = run_inside(
        "predict", f"checkpoint={checkpoint}", f"input={tmp_path}", "output=o", cwd=tmp_path
    )
    assert str(error.value) in done.stderr
    for path in ("nowhere.ckpt", "note.jpg"):
        with pytest.raises(InputError, match=path):
            load(tmp_path / path)


def test_scores_and_predictions_go_by_the_commands_own_settings(checkpoint, run, tmp_path):
    again = evaluate(f"checkpoint={checkpoint}", run_dir=tmp_path / "eval")
    figures = json.loads((run / "metrics.json").read_text())
    # of several commands in one process, none knows the folders of those before
    assert not {"MOBILENET_RUN_DIR", "MOBILENET_OUTPUT"} & set(os.environ)
    assert again["num_params"] == figures["num_params"]
    assert json.loads((tmp_path / "eval" / "metrics.json").read_text()) == again


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"epochs": 3}, "There is no setting epochs. Did you mean trainer.max_epochs=3?"),
        ({"optim.lr": "fast"}, "optim.lr=fast: a number, such as 0.001, is needed"),
        ({"task": "imgnet"}, "There is no task=imgnet. Did you mean task=imagenet?"),
        ({"data.root": Path("no where")}, "data.root=no where: there is no such folder"),
    ],
)
def test_settings_are_refused_in_the_commands_words(overrides, said, tmp_path):
    wrong = {"task": "imagenet", "data": "imagenet", "run_dir": tmp_path / "run"} | overrides
    with pytest.raises(InputError) as error:
        train(**wrong)
    assert said in str(error.value)
