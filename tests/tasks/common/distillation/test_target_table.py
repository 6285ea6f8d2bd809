"""Rows on disk by the content of photos, and a teacher's targets among them."""

from pathlib import Path

import facenet_pytorch
import numpy as np
import onnx
import pytest
import torch
from hydra import compose, initialize_config_dir
from onnx import TensorProto, helper

from backbone.errors import InputError
from tasks.common.distillation.network_teacher import CheckpointTeacher
from tasks.common.files.keyed_rows import KeyedRows, photo_keys
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tasks.faces.facenet_teacher import FaceNetTeacher
from tests.commands import run_inside
from tests.small_data import noise

SIDE = 32


def write_network(path: Path, *, batch: int = 1) -> Path:
    """An ONNX network whose two outputs are the means of the left column and of the whole."""
    weight = np.zeros((2, 3, SIDE, SIDE), np.float32)
    weight[0, :, :, 0] = 1
    weight[1] = 1
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "weight"], ["output"])],
        "means",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 2, 1, 1])],
        [helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.flatten())],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def test_rows_are_found_by_content(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name if name != "c" else "a")
    keys = photo_keys([tmp_path / name for name in "abc"])
    assert keys[0] == keys[2] != keys[1]
    rows = KeyedRows(tmp_path / "rows", setting="output")
    rows.describe({"of": "letters"})
    assert rows.find(keys).tolist() == [-1, -1, -1]
    for key, value in ((keys[:1], 1.0), (keys[1:2], 2.0)):
        rows.add(key, np.full((1, 3), value))
    rows = KeyedRows(tmp_path / "rows", setting="output")
    assert rows.values(rows.find(keys)).tolist() == [[1] * 3, [2] * 3, [1] * 3]
    with pytest.raises(InputError, match="made otherwise: of: 'letters' there, 'words' now"):
        rows.describe({"of": "words"})
    next((tmp_path / "rows").glob("*.values.npy")).write_bytes(b"")
    with pytest.raises(InputError, match="is damaged"):
        KeyedRows(tmp_path / "rows", setting="output")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Has four photos of noise, the teacher, and pairs."""
    (tmp_path / "faces").mkdir()
    for number in range(4):
        noise(20 + number, 24).save(tmp_path / "faces" / f"{number}.png")
    people = tmp_path / "people"
    for name in ("ann", "bob"):
        (people / name).mkdir(parents=True)
        for number in (1, 2):
            noise(30 + number + len(name), 31).save(people / name / f"{name}_000{number}.png")
    (tmp_path / "pairs.txt").write_text("1 1\nann 1 2\nann 1 bob 1\n")
    write_network(tmp_path / "teacher.onnx")
    KeyedRows(tmp_path / "other", setting="output").describe({"finder": "of faces"})
    return tmp_path


DATA = (
    "task=facenet_distill",
    "data.faces=faces",
    "data.pairs=pairs.txt",
    "data.pairs_root=people",
    "data.alignment=none",
    "data.num_workers=0",
)
ONNX = ("teacher=onnx", "teacher.file=teacher.onnx")
STUDENT = (
    *("data.batch_size=2", "data.image_size=64", "backbone.width=0.25", "trainer.max_steps=2"),
    *("head.dimension=2", "pictures.count=0", "ema_decay=null", "run_dir=run"),
)


def test_a_table_holds_what_the_teacher_says_and_is_added_to(folder: Path) -> None:
    for added in (4, 0):
        done = run_inside("cache_teacher", *DATA, *ONNX, "output=table", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert f"{added} targets added" in done.stdout
    rows = KeyedRows(folder / "table", setting="output")
    found = rows.values(rows.find(photo_keys(sorted((folder / "faces").iterdir()))))
    assert found.shape == (4, 1, 2)  # once for both views, which the teacher sums

    done = run_inside(
        "cache_teacher", *DATA, *ONNX, "teacher.add_mirror=false", "output=two", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    rows = KeyedRows(folder / "two", setting="output")
    both = rows.values(rows.find(photo_keys(sorted((folder / "faces").iterdir()))))
    assert both.shape == (4, 2, 2)
    np.testing.assert_allclose(both.astype(float).sum(1), found[:, 0], rtol=3e-3, atol=0.3)

    trained = run_inside(
        "train", *DATA, "teacher=table", "teacher.file=table", *STUDENT, cwd=folder
    )
    assert trained.returncode == 0, trained.stderr
    state = torch.load(folder / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert state["description"]["trained_on"] == ["unknown", "faces"]

    noise(50, 50).save(folder / "faces" / "new.png")
    refused = run_inside(
        "train",
        *DATA,
        "teacher=table",
        "teacher.file=table",
        *STUDENT,
        "run_dir=refused",
        cwd=folder,
    )
    assert refused.returncode == 2 and "lacks 1 of 5 photos" in refused.stderr
    described = folder / "table" / "rows.json"
    described.write_text(described.read_text().replace('"none"', '"mtcnn"'))
    refused = run_inside(
        "train",
        *DATA,
        "teacher=table",
        "teacher.file=table",
        *STUDENT,
        "run_dir=refused",
        cwd=folder,
    )
    assert refused.returncode == 2 and "prepared as" in refused.stderr


def test_a_teacher_is_scored_and_taught_by_directly(folder: Path) -> None:
    done = run_inside("eval", *DATA, *ONNX, "run_dir=scored", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "lfw_accuracy" in (folder / "scored" / "metrics.json").read_text()
    assert (folder / "scored" / "pictures" / "roc.png").is_file()
    done = run_inside("train", *DATA, *ONNX, *STUDENT, cwd=folder)
    assert done.returncode == 0, done.stderr
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        data = build(compose("train", overrides=[*DATA, "data.alignment=mtcnn"]).data)
        with pytest.raises(InputError, match=r"prepared as \{'alignment': 'none'\}"):
            CheckpointTeacher(file=f"{folder}/run/checkpoints/last.ckpt", data=data)
    done = run_inside("train", *DATA, *ONNX, *STUDENT, "model=teacher", cwd=folder)
    assert done.returncode == 2 and "model=teacher: that is for tools" in done.stderr


def test_a_demos_faces_have_targets_too(folder: Path) -> None:
    drawn = ("task=facenet_distill", "data=demo", "data.num_train=6", "data.num_val=2")
    done = run_inside("cache_teacher", *drawn, *ONNX, "data.root=drawn", "output=t", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "6 targets added" in done.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("teacher=onnx", "teacher.file=none.onnx"), "there is no such file"),
        (("teacher=onnx", "teacher.file=pairs.txt"), "is no network that can be run"),
        ((*ONNX, "teacher.image_size=9"), "takes photos of [32, 32]"),
        ((*ONNX, "head.dimension=3"), "Give head.dimension=2"),
        (("teacher=table", "teacher.file=faces"), "no rows.json"),
        (("teacher=table", "teacher.file=other"), "other is no table of a teacher"),
        (("teacher=onnx",), "teacher needs a file: give teacher.file=FILE"),
        ((), "Distillation needs a teacher"),
    ],
)
def test_wrong_teachers_are_refused(settings: tuple[str, ...], said: str, folder: Path) -> None:
    done = run_inside("train", *DATA, *STUDENT, *settings, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


def test_facenet_with_weights_of_the_users(folder: Path) -> None:
    torch.manual_seed(0)
    network = facenet_pytorch.InceptionResnetV1()
    torch.save(network.state_dict(), folder / "facenet.pt")
    settings = {"add_mirror": False, "trained_on": "nothing", "data": None}
    teacher = FaceNetTeacher(file=str(folder / "facenet.pt"), **settings)
    image = torch.randint(256, (2, 3, 160, 160), dtype=torch.uint8)
    with torch.no_grad():
        wanted = network.eval()(facenet_pytorch.fixed_image_standardization(image.float()))
    assert torch.allclose(teacher({"image": image}), wanted, atol=1e-6)
    torch.save({"weight": torch.zeros(3)}, folder / "other.pt")
    with pytest.raises(InputError, match="other weights"):
        FaceNetTeacher(file=str(folder / "other.pt"), **settings)
