"""The commands on data sets in their real formats, and on settings that don't fit together."""

import json
from pathlib import Path

import pytest
import torch

from tests.commands import Finished, run_inside
from tests.small_data import noise, refuses
from tests.tasks.common.distillation.test_target_table import write_network

TINY = (
    *("task=multitask_faces", "data.batch_size=2", "data.image_size=64", "data.num_workers=0"),
    *("backbone.width=0.25", "trainer.max_steps=2", "ema_decay=null", "pictures.count=0"),
)
DATA = (
    *("data.attributes.root=labelled", "data.embedding.faces=[faces]"),
    *("data.embedding.pairs=pairs.txt", "data.embedding.pairs_root=people"),
    "data.embedding.alignment=none",
)
TEACHER = ("teacher=onnx", "teacher.file=teacher.onnx", "head.parts.embedding.dimension=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """FairFace's tables, faces without names, LFW's pairs and a teacher."""
    folder = tmp_path_factory.mktemp("faces")
    for split in ("train", "val"):
        (folder / "labelled" / split).mkdir(parents=True)
        rows = ["file,age,gender,race"]
        for number in range(4):
            noise(40 + number, 40).save(folder / "labelled" / split / f"{number}.jpg")
            gender = ("Male", "Female")[number % 2]
            rows.append(f"{split}/{number}.jpg,20-29,{gender},White")
        (folder / "labelled" / f"labels_{split}.csv").write_text("\n".join(rows) + "\n")
    (folder / "faces").mkdir()
    for number in range(5):
        noise(20 + number, 24).save(folder / "faces" / f"{number}.png")
    for name in ("ann", "bob"):
        (folder / "people" / name).mkdir(parents=True)
        for number in (1, 2):
            photo = noise(30 + number + len(name), 31)
            photo.save(folder / "people" / name / f"{name}_000{number}.png")
    (folder / "pairs.txt").write_text("1 1\nann 1 2\nann 1 bob 1\n")
    write_network(folder / "teacher.onnx")
    return folder


def train(
    folder: Path, *settings: str, name: str = "run", teacher: tuple[str, ...] = TEACHER
) -> Finished:
    return run_inside("train", *TINY, *DATA, *teacher, f"run_dir={name}", *settings, cwd=folder)


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Path:
    done = train(folder)
    assert done.returncode == 0, done.stderr
    return folder / "run" / "checkpoints" / "last.ckpt"


def test_a_checkpoint_is_of_both_and_says_what_it_learned_from(checkpoint: Path) -> None:
    description = torch.load(checkpoint, weights_only=True)["description"]
    assert description["trained_on"] == ["unknown", "faces", "fairface"]
    assert set(description["head"]["parts"]) == {"attributes", "embedding"}
    assert len(description["label_map"]["parts"]["attributes"]["names"]) == 18


def test_eval_and_predict_need_nothing_but_the_checkpoint(folder: Path, checkpoint: Path) -> None:
    done = run_inside("eval", f"checkpoint={checkpoint}", "run_dir=scored", cwd=folder)
    assert done.returncode == 0, done.stderr
    figures = json.loads((folder / "scored" / "metrics.json").read_text())
    trained = json.loads((folder / "run" / "metrics.json").read_text())
    for name in ("val/mean_ap", "val/lfw_accuracy", "val/mean_of_parts"):
        assert figures[name] == pytest.approx(trained[name])
    rows = json.loads((folder / "scored" / "predictions.json").read_text())
    assert len(rows["attributes"]) == 4 and len(rows["embedding"]) == 2

    done = run_inside(
        "predict", f"checkpoint={checkpoint}", "input=faces", "output=found", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    entries = json.loads((folder / "found" / "predictions.json").read_text())
    assert len(entries) == 5
    for entry in entries:
        assert len(entry["attributes"]) == 18 and len(entry["embedding"]) == 2
        assert len(entry["face"]) == 4


def test_other_settings_of_the_data_are_the_users(folder: Path, checkpoint: Path) -> None:
    """What the parts take from the settings they share, they take from the user's."""
    done = run_inside(
        *("eval", f"checkpoint={checkpoint}", "data.batch_size=3", "run_dir=other"), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    said = (folder / "other" / "config.yaml").read_text()
    assert said.count("batch_size: 3") == 3


def test_weights_go_on_with_other_attributes(folder: Path, checkpoint: Path) -> None:
    root = folder / "table"
    root.mkdir()
    for split in ("train", "val"):
        rows = [f"{split}{number}.png,{number % 2}" for number in range(4)]
        (root / f"labels_{split}.csv").write_text("\n".join(["file,hat", *rows]) + "\n")
        for number in range(4):
            noise(40 + number, 40).save(root / f"{split}{number}.png")
    settings = ("data@data.attributes=csv", "data.attributes.root=table", f"init={checkpoint}")
    done = train(folder, *settings, name="tuned")
    assert done.returncode == 0, done.stderr
    report = (folder / "tuned" / "report.txt").read_text()
    assert "tensors started anew: 2" in report and "head.parts.attributes.linear.weight" in report
    # which reader it was comes with the checkpoint
    tuned = folder / "tuned" / "checkpoints" / "last.ckpt"
    done = run_inside("eval", f"checkpoint={tuned}", "run_dir=rescored", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "hat" in (folder / "rescored" / "attributes" / "attributes.csv").read_text()


def test_attributes_can_have_a_teacher_of_their_own(folder: Path) -> None:
    alone = (
        *("task=face_attributes", "data=fairface", "data.root=labelled", "data.image_size=64"),
        *("data.batch_size=2", "data.num_workers=0", "backbone.width=0.25", "ema_decay=null"),
        *("trainer.max_steps=1", "pictures.count=0", "run_dir=alone"),
    )
    done = run_inside("train", *alone, cwd=folder)
    assert done.returncode == 0, done.stderr
    teacher = "teachers.attributes.file=alone/checkpoints/last.ckpt"
    settings = ("teacher@teachers.attributes=checkpoint", teacher)
    done = train(folder, *settings, "data.attributes.unlabelled=faces", name="taught")
    assert done.returncode == 0, done.stderr
    assert "9 faces, 5 of them unlabelled" in (folder / "taught" / "report.txt").read_text()


def test_names_of_people_can_take_the_place_of_the_embeddings_teacher(folder: Path) -> None:
    settings = ("data@data.embedding=identities", "data.embedding.identities=people")
    settings += ("data.embedding.photos_per_person=2", "data.embedding.batch_size=4")
    done = run_inside(
        *("train", *TINY, *(setting for setting in DATA if "faces" not in setting), *settings),
        *("head@head.parts.embedding=triplet", "run_dir=named"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    checkpoint = folder / "named" / "checkpoints" / "last.ckpt"
    assert "ann" not in str(torch.load(checkpoint, weights_only=True)["description"])
    done = run_inside("eval", f"checkpoint={checkpoint}", "run_dir=named_again", cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("head.weights.attributes=-1",), ("head.weights.attributes=-1", "from 0")),
        (("head.weights.pose=1",), ("no setting head.weights.pose", "attributes, embedding")),
        (("+head.weights.pose=1",), ("head.weights.pose", "attributes, embedding")),
        (("task.taught=pose",), ("task.taught=pose", "attributes, embedding")),
        (
            ("data.embedding.image_size=96",),
            ("data.embedding.image_size=96", "data.image_size=96, for all"),
        ),
        (("data.attributes.root=null",), ("data.attributes.root is not set",)),
        (("data.embedding.pairs=null",), ("data.embedding.pairs is not set",)),
        (("data.attributes.cache=copies",), ("data.attributes.cache",)),
        (("head.parts.embedding.dimension=3",), ("Give head.parts.embedding.dimension=2",)),
        (("data.batch_size=1", "data.embedding.batch_size=0"), ("batch_size=0",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_wrong_settings(settings: tuple[str, ...], said: tuple[str, ...], folder: Path) -> None:
    done = train(folder, *settings, name="wrong")
    refuses(done, *said, folder=folder / "wrong")


def test_an_embedding_without_a_teacher(folder: Path) -> None:
    done = train(folder, name="wrong", teacher=())
    refuses(done, "Distillation needs a teacher", folder=folder / "wrong")


def test_a_teacher_is_looked_at_with_its_own_task(folder: Path) -> None:
    settings = (*TINY[:1], *DATA, *TEACHER, "model=teacher", "run_dir=wrong")
    done = run_inside("eval", *settings, cwd=folder)
    refuses(done, "task=facenet_distill", folder=folder / "wrong")


def test_the_cost_is_that_of_one_network_and_another_layer(tmp_path: Path) -> None:
    def cost(task: str) -> tuple[int, int]:
        settings = ("num_classes=18", "data.image_size=128", "format=json")
        done = run_inside("cost", f"task={task}", *settings, cwd=tmp_path)
        row = json.loads(done.stdout)[0]
        return row["mult_adds"], row["params"]

    both, attributes = cost("multitask_faces"), cost("face_attributes")
    layer = 1024 * 128  # an embedding of 128 numbers
    assert both == (attributes[0] + layer, attributes[1] + layer + 128)
