"""Students of a teacher whose probabilities are on disk."""

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hydra import compose, initialize_config_dir
from onnx import TensorProto, helper

from backbone.errors import InputError
from tasks.common.distillation.target_table import TableTeacher
from tasks.common.files.keyed_rows import KeyedRows, photo_keys
from tasks.common.images.crops import centre_crop
from tasks.common.images.finding import list_images
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tasks.face_attributes.task import check_probabilities
from tests.commands import Finished, run_inside
from tests.small_data import noise
from tests.small_runs import DRAWN, NARROW

SIDE = 32
ATTRIBUTES = 6  # of drawn faces
TINY = (
    *("task=face_attributes", *DRAWN, "data.num_train=12", "data.num_val=4"),
    *("data.image_size=64", NARROW, "data.root=faces"),
)
RAW = ("teacher.mean=[0,0,0]", "teacher.deviation=[1,1,1]")


def done(*arguments: str, cwd: Path) -> Finished:
    finished = run_inside(*arguments, cwd=cwd)
    assert finished.returncode == 0, finished.stderr
    return finished


def write_network(
    path: Path, *, outputs: int = ATTRIBUTES, activation: str = "Sigmoid"
) -> np.ndarray:
    """An ONNX network with a probability for each attribute; returns its weights."""
    weight = np.random.default_rng(0).normal(0, 0.03, (outputs, 3, SIDE, SIDE))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["logits"]),
            helper.make_node("Flatten", ["logits"], ["flat"]),
            helper.make_node(activation, ["flat"], ["output"]),
        ],
        "attributes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", outputs])],
        [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.flatten())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return weight


def test_a_table_has_what_the_teacher_says_and_teaches_it(tmp_path: Path) -> None:
    weight = write_network(tmp_path / "teacher.onnx")
    named = ("teacher=onnx", "teacher.file=teacher.onnx", *RAW, "output=table")
    assert "12 targets added" in done("cache_teacher", *TINY, *named, cwd=tmp_path).stdout
    assert "0 targets added" in done("cache_teacher", *TINY, *named, cwd=tmp_path).stdout

    photos = list_images(tmp_path / "faces" / "train")
    rows = KeyedRows(tmp_path / "table", setting="output")
    kept = rows.values(rows.find(photo_keys(photos)))
    shown = np.stack([centre_crop(photo, SIDE).image for photo in photos]) / 255
    views = np.stack([shown, shown[:, :, ::-1]], axis=1)
    logits = np.einsum("nvhwc,kchw->nvk", views, weight)
    np.testing.assert_allclose(kept, 1 / (1 + np.exp(-logits)), atol=2e-3)
    assert np.ptp(kept, axis=0).min() > 0.02  # photos and views differ by far more
    assert np.abs(kept[:, 0] - kept[:, 1]).max() > 0.02

    student = ("teacher=table", "teacher.file=table", "trainer.max_steps=2", "run_dir=student")
    done("train", *TINY, *student, cwd=tmp_path)

    summed = (*named[:2], "teacher.add_mirror=true")
    refused = run_inside("train", *TINY, *summed, "run_dir=summed", cwd=tmp_path)
    assert refused.returncode == 2 and "are no probabilities" in refused.stderr


@pytest.mark.parametrize("command", ["train", "eval"])
def test_a_teacher_without_a_sigmoid_is_refused(command: str, tmp_path: Path) -> None:
    write_network(tmp_path / "teacher.onnx", activation="Neg")
    settings = ("teacher=onnx", "teacher.file=teacher.onnx", f"run_dir={command}")
    settings += ("model=teacher",) if command == "eval" else ()
    refused = run_inside(command, *TINY, *settings, cwd=tmp_path)
    assert refused.returncode == 2, refused.stderr
    assert "must end in a sigmoid" in refused.stderr and "Traceback" not in refused.stderr


def test_nor_is_what_is_no_number_a_probability() -> None:
    check_probabilities(torch.tensor([[0.0, 1.0]]), 2)
    with pytest.raises(InputError, match="from nan to nan"):
        check_probabilities(torch.tensor([[0.5, math.nan]]), 2)


def test_columns_in_another_order_learn_the_same(tmp_path: Path) -> None:
    """A table knows its columns by name."""
    write_network(tmp_path / "teacher.onnx", outputs=2)
    for split in ("train", "val"):
        noise(40, 40).save(tmp_path / f"{split}.png")
        (tmp_path / f"labels_{split}.csv").write_text(f"file,hat,smile\n{split}.png,1,0\n")
    table = ("task=face_attributes", "data=csv", "data.root=.", "data.num_workers=0")
    named = ("teacher=onnx", "teacher.file=teacher.onnx", *RAW, "output=table")
    done("cache_teacher", *table, *named, cwd=tmp_path)

    def targets(attributes: str) -> list[float]:
        overrides = ["task=face_attributes", "data=csv", f"data.root={tmp_path}"]
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            config = compose("train", overrides=[*overrides, f"data.attributes={attributes}"])
        teacher = TableTeacher(file=str(tmp_path / "table"), data=build(config.data))
        batch = {"id": torch.tensor([0]), "image": torch.zeros(1, 3, 8, 8)}
        return teacher(batch)[0].tolist()

    both = targets("[hat,smile]")
    assert both[0] != both[1]
    assert targets("[smile,hat]") == both[::-1]
    with pytest.raises(InputError, match="which are not the 1 of the data"):
        targets("[hat]")


def test_a_network_of_ours_is_asked_in_the_precision_of_the_trainer(tmp_path: Path) -> None:
    learning = (
        *("trainer.max_epochs=40", "trainer.check_val_every_n_epoch=40"),
        *("optim.lr=1e-2", "ema_decay=null", "run_dir=teacher"),
    )
    done("train", *TINY, *learning, cwd=tmp_path)
    photos = list_images(tmp_path / "faces" / "train")
    tables = []
    for precision in ("32-true", "bf16-mixed"):
        named = ("teacher=checkpoint", "teacher.file=teacher/checkpoints/last.ckpt")
        settings = (*named, f"trainer.precision={precision}", f"output={precision}")
        done("cache_teacher", *TINY, *settings, cwd=tmp_path)
        rows = KeyedRows(tmp_path / precision, setting="output")
        tables.append(rows.values(rows.find(photo_keys(photos))))
    exact, rounded = (table.astype(float) for table in tables)
    between_photos = np.ptp(exact, axis=0).max()
    apart = np.abs(rounded - exact)
    assert 0 < apart.mean() < 0.01 and apart.max() < between_photos / 2

    done("train", *TINY, "trainer.max_steps=1", "run_dir=another", cwd=tmp_path)
    named = ("teacher=checkpoint", "teacher.file=another/checkpoints/last.ckpt")
    mixed = run_inside("cache_teacher", *TINY, *named, "output=32-true", cwd=tmp_path)
    assert mixed.returncode == 2 and "was made otherwise" in mixed.stderr
