"""Curves and pictures go where ``logger=`` says, besides the run folder."""

import io
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tasks.common.training.watching.loggers import show_picture
from tests.commands import run_inside
from tests.small_runs import SMALL_RUN

LEFT = {"tensorboard": "tensorboard/events.*", "wandb": "wandb/**/*.wandb", "mlflow": "mlflow.db"}


def train(folder: Path, logger: str, *settings: str) -> Path:
    asked = ("task=imagenet", *SMALL_RUN, f"logger={logger}", "run_dir=run", *settings)
    done = run_inside("train", *asked, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "run" / "metrics.csv").is_file() and (folder / "run" / "curves.png").is_file()
    return folder / "run"


def left(run: Path) -> list[str]:
    return [name for name, pattern in LEFT.items() if list(run.glob(pattern))]


@pytest.mark.parametrize("logger", ["csv", "none"])
def test_the_folder_alone_will_do(logger: str, tmp_path: Path) -> None:
    assert left(train(tmp_path, logger)) == []


def test_weights_and_biases_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = train(tmp_path, "wandb", "logger.offline=true")
    assert left(run) == ["wandb"]
    assert list(run.glob("wandb/**/media/images/confusion*.png"))


def test_mlflow_in_the_run_folder(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    run = train(tmp_path, "mlflow")
    assert left(run) == ["mlflow"]
    with sqlite3.connect(run / "mlflow.db") as store:
        keys = {key for (key,) in store.execute("select key from metrics")}
        params = dict(store.execute("select key, value from params"))
    assert {"train/loss", "val/accuracy"} <= keys and params["backbone/width"] == "0.25"
    assert list(run.glob("mlflow/*/artifacts/images/confusion*.png"))


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    try:
        import wandb  # noqa: F401

        pytest.skip("wandb is installed")
    except ImportError:
        done = run_inside("train", "task=imagenet", *SMALL_RUN, "logger=wandb", cwd=tmp_path)
    assert done.returncode == 2 and "pip install" in done.stderr.splitlines()[-1]


def test_a_picture_reaches_the_board(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, name="", version="board")
    show_picture(logger, "a/b", np.full((5, 7, 3), [200, 100, 50], np.uint8), step=3)
    logger.experiment.close()
    events = EventAccumulator(str(tmp_path / "board"), size_guidance={"images": 0}).Reload()
    [picture] = events.Images("a/b")
    assert (picture.step, picture.height, picture.width) == (3, 5, 7)
    with Image.open(io.BytesIO(picture.encoded_image_string)) as shown:
        assert shown.size == (7, 5)
        np.testing.assert_allclose(np.asarray(shown)[0, 0], [200, 100, 50], atol=3)
