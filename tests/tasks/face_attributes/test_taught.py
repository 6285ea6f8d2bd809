"""Students of a teacher whose probabilities are on disk."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from tasks.common.crops import centre_crop
from tasks.common.images import list_images
from tasks.common.keyed_rows import KeyedRows, photo_keys
from tests.commands import Finished, run_inside

SIDE = 32
ATTRIBUTES = 6  # of drawn faces
TINY = (
    *("task=face_attributes", "data=demo", "data.num_train=12", "data.num_val=4"),
    *("data.batch_size=4", "data.image_size=64", "data.num_workers=0", "backbone.width=0.25"),
    "data.root=faces",
)
RAW = ("teacher.mean=[0,0,0]", "teacher.deviation=[1,1,1]", "teacher.add_mirror=false")


def done(*arguments: str, cwd: Path) -> Finished:
    finished = run_inside(*arguments, cwd=cwd)
    assert finished.returncode == 0, finished.stderr
    return finished


def write_network(path: Path) -> np.ndarray:
    """An ONNX network with a probability for each attribute; returns its weights."""
    weight = np.random.default_rng(0).normal(0, 0.03, (ATTRIBUTES, 3, SIDE, SIDE))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["image", "weight"], ["logits"]),
            helper.make_node("Flatten", ["logits"], ["flat"]),
            helper.make_node("Sigmoid", ["flat"], ["output"]),
        ],
        "attributes",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", ATTRIBUTES])],
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
    shown = np.stack([centre_crop(photo, SIDE) for photo in photos]) / 255
    views = np.stack([shown, shown[:, :, ::-1]], axis=1)
    logits = np.einsum("nvhwc,kchw->nvk", views, weight)
    np.testing.assert_allclose(kept, 1 / (1 + np.exp(-logits)), atol=2e-3)
    assert np.ptp(kept, axis=0).min() > 0.02  # photos and views differ by far more
    assert np.abs(kept[:, 0] - kept[:, 1]).max() > 0.02

    student = ("teacher=table", "teacher.file=table", "trainer.max_steps=2", "run_dir=student")
    done("train", *TINY, *student, cwd=tmp_path)

    summed = ("teacher=onnx", "teacher.file=teacher.onnx", *RAW[:2], "trainer.max_steps=2")
    refused = run_inside("train", *TINY, *summed, "run_dir=summed", cwd=tmp_path)
    assert refused.returncode == 2 and "must end in a sigmoid" in refused.stderr


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
    exact, rounded = tables
    assert np.ptp(exact, axis=0).max() > 0.1  # it tells photos apart
    np.testing.assert_allclose(rounded, exact, atol=0.05)
    assert not np.array_equal(rounded, exact)
