"""From noisy photos to a network of dogs, by the real commands."""

import csv
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torch import nn

from backbone.errors import InputError
from backbone.mobilenet import MobileNet
from backbone.weights import Weights, read_checkpoint, read_weights, save_weights
from heads.classification import ClassificationHead
from tasks.classification.cleaning.choosing import CATEGORIES, REPEATED, TEST, UNREADABLE
from tasks.classification.layouts.noisy_dogs import NoisyDogsData
from tasks.common.data import augmentation
from tests.commands import Finished, run_inside
from tests.small_data import refuses
from tests.tasks.classification.pictures import COPIES, picture, saved_anew, write

BREEDS = ("n02085620-Chihuahua", "n02087046-toy_terrier")


def write_dogs(root: Path) -> Path:
    """Stanford Dogs in official form: photos 1000 to 1002 of each breed, the last one for tests."""
    names = []
    for number, breed in enumerate(BREEDS):
        for seed in range(1000, 1003):
            write(root / "Images" / breed / f"{seed}.png", picture(seed + 10 * number))
            names.append(f"{breed}/{seed}.png")
    for split, listed in (("train", [0, 1, 3, 4]), ("test", [2, 5])):
        cells = np.array([[names[index]] for index in listed], dtype=object)
        savemat(root / f"{split}_list.mat", {"file_list": cells})
    return root


def write_noisy(root: Path) -> dict[str, str]:
    """Photos of three categories; why each that has to go does so."""
    for number, name in enumerate(("Chihuahua", "toy_terrier", "wolf")):
        for seed in range(6):
            write(root / name / f"{seed}.png", picture(10 * number + seed))
    reasons = {}
    for number, (kind, copy) in enumerate(COPIES.items()):
        name = f"{('Chihuahua', 'wolf')[number % 2]}/test {kind}.png"
        write(root / name, copy(picture(1002 + 10 * (number % 2))))
        reasons[name] = TEST
    write(root / "wolf" / "training.png", picture(1001))  # may be learned from
    for name in ("toy_terrier/both.png", "wolf/deeper/both.png"):
        write(root / name, picture(50))
        reasons[name] = CATEGORIES
    write(root / "wolf" / "5 again.png", saved_anew(picture(25)))
    reasons["wolf/5.png"] = REPEATED  # "5 again.png" comes first
    (root / "wolf" / "page.jpg").write_text("<html>")
    (root / "wolf" / "list.txt").write_text("a list")
    return reasons | {"wolf/page.jpg": UNREADABLE, "wolf/list.txt": UNREADABLE}


def listing(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def prepare(folder: Path, *settings: str) -> Finished:
    given = ("root=noisy", "against=dogs", "output=clean")
    return run_inside("prepare", "dataset=noisy_dogs", *given, *settings, cwd=folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Has ``dogs``, ``noisy`` and, cleaned, ``clean``."""
    folder = tmp_path_factory.mktemp("stage")
    write_dogs(folder / "dogs")
    write_noisy(folder / "noisy")
    done = prepare(folder)
    assert done.returncode == 0, done.stderr
    assert "experiment=table10_noisy_pretrain data.root=" in done.stdout
    return folder


def test_what_must_not_be_learned_from_is_left_out(folder: Path, tmp_path: Path):
    reasons = write_noisy(tmp_path / "again")
    before, after = listing(folder / "noisy"), listing(folder / "clean")
    assert before == listing(tmp_path / "again")  # the noisy folder is as it was
    own = {"cleaning.json", "report.txt", "removed.csv"}
    assert after.keys() - own == before.keys() - reasons.keys()
    assert all(before[name] == after[name] for name in after.keys() - own)
    with (folder / "clean" / "removed.csv").open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert {name: row["reason"] for name, row in rows.items()} == reasons
    assert rows["wolf/5.png"]["match"] == "wolf/5 again.png"
    assert rows["toy_terrier/both.png"]["match"] == "wolf/deeper/both.png"
    assert rows["toy_terrier/both.png"]["distance"] == "0"
    assert rows["wolf/test mirrored.png"]["match"] == "n02087046-toy_terrier/1002.png"
    assert "HTML" in rows["wolf/page.jpg"]["match"]
    report = (folder / "clean" / "report.txt").read_text()
    assert f"{len(before) - len(reasons)} of {len(before)} files kept, in 3 categories" in report
    assert "  6 left out as copies of one of 2 test photos" in report


def test_what_is_kept_takes_no_space(folder: Path):
    assert os.path.samefile(
        folder / "clean" / "wolf" / "0.png", folder / "noisy" / "wolf" / "0.png"
    )


def test_without_hard_links_photos_are_copied(folder: Path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    done = prepare(folder, "output=copied")
    assert done.returncode == 0, done.stderr
    assert listing(folder / "copied" / "wolf") == listing(folder / "clean" / "wolf")
    assert (folder / "copied" / "wolf" / "0.png").stat().st_nlink == 1


def test_a_finished_folder_stays_and_other_settings_are_refused(folder: Path):
    before = (folder / "clean" / "report.txt").stat().st_mtime_ns
    assert prepare(folder).returncode == 0
    assert (folder / "clean" / "report.txt").stat().st_mtime_ns == before
    refuses(
        prepare(folder, "max_distance=10"), "Remove it, or name another", folder=folder / "dogs"
    )


def test_a_smaller_distance_leaves_cropped_copies_in(folder: Path):
    assert prepare(folder, "max_distance=4", "output=near").returncode == 0
    kept = listing(folder / "near" / "Chihuahua").keys() | listing(folder / "near" / "wolf").keys()
    assert {"test cropped.png", "test cropped and mirrored.png"} <= kept
    assert "test mirrored.png" not in kept


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["root=nowhere"], "root=nowhere"),
        (["against=null"], "against=None"),
        (["against=noisy"], "inside"),
        (["output=null"], "output=DIR"),
        (["output=noisy/clean"], "inside"),
        (["output=dogs/clean"], "inside"),
        (["output=noisy/wolf/0.png"], "inside"),
        (["output=dogs/../other"], "files that are no cleaning"),
        (["max_distance=-1"], "max_distance=-1"),
        (["max_distance=near"], "max_distance=near"),
        (["root=dogs"], "inside"),
        (["root=linked"], "is a link to"),
        (["root=linked_folder"], "is a link to"),
        (["root=alike"], "toy terrier"),
        (["root=flat"], "no folders"),
        (["root=tests", "output=nothing"], "No photo would be left"),
        (["dataset=coco"], "'against'"),
    ],
)
def test_wrong_folders_are_refused(settings: list[str], said: str, folder: Path):
    for name in ("linked/wolf", "linked_folder", "alike/toy_terrier", "alike/toy terrier", "flat"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for link, target in (("linked/wolf/a.png", "dogs/test_list.mat"), ("linked_folder/b", "dogs")):
        if not (folder / link).is_symlink():
            (folder / link).symlink_to(folder / target)
    write(folder / "other" / "mine.png", picture(0))
    write(folder / "tests" / "wolf" / "a.png", picture(1002))
    before = listing(folder)
    done = prepare(folder, *settings)
    refuses(done, said, folder=folder / "dogs")
    extra = listing(folder).keys() - before.keys()
    assert all(name.endswith(".hashes.jsonl") for name in extra)


def make(root: Path, val_share: float) -> NoisyDogsData:
    loading = {"batch_size": 2, "num_workers": 0, "image_size": 32, "seed": 0}
    look = partial(augmentation.paper, min_area=0.5)
    return NoisyDogsData(
        root=str(root), val_share=val_share, augmentation=look, on_bad_image="error", **loading
    )


def test_some_photos_are_held_out_by_their_names(folder: Path):
    data = make(folder / "clean", 0.3)
    splits = [data.photos(split) for split in ("train", "val")]
    train, val = ({*photos.file_names.tolist()} for photos in splits)
    assert data.label_map.names == ("Chihuahua", "toy terrier", "wolf")
    assert not train & val
    assert len(train | val) == len(listing(folder / "clean")) - 3
    assert {*make(folder / "clean", 0.3).photos("val").file_names.tolist()} == val
    for photos in splits:  # classes go with their files
        folders = [os.fsdecode(name).split("/")[0].replace("_", " ") for name in photos.file_names]
        assert folders == [data.label_map.names[label] for label in photos.targets]
    assert len(data.report_lines()) == 2


def test_a_share_that_leaves_nothing_and_photos_as_they_came(folder: Path):
    with pytest.raises(InputError, match=r"data\.val_share"):
        make(folder / "clean", 1e-9).photos("val")
    assert any("not cleaned" in line for line in make(folder / "noisy", 0.3).report_lines())


def imagenet_weights(path: Path) -> Path:
    """A small network that says it comes from ImageNet, as imported ones do."""
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    names = ["Chihuahua", "toy terrier", "wolf", "goldfish"]
    head = ClassificationHead(
        in_channels=backbone.out_channels, num_classes=4, feature="c5", dropout=0, label_smoothing=0
    )
    tensors = nn.ModuleDict({"backbone": backbone, "head": head}).state_dict()
    description = {
        "backbone": {"name": backbone.name, **backbone.settings},
        "head": {"name": head.name, **head.settings()},
        "label_map": {"names": names, "ids": [0, 1, 2, 3]},
        "image_size": 32,
        "batch_norm_folded": False,
        "trained_on": ["imagenet"],
    }
    save_weights(path, Weights(tensors, description))
    return path


def train(folder: Path, run: str, data: str, *settings: str) -> tuple[str, str]:
    """Trains a step; what the console and ``report.txt`` say."""
    small = ("data.batch_size=2", "data.num_workers=0", "data.image_size=32", "trainer.max_steps=1")
    share = ("data.val_share=0.3",) if data == "noisy_dogs" else ()
    root = f"data.root={'clean' if data == 'noisy_dogs' else 'dogs'}"
    done = run_inside(
        *("train", "task=stanford_dogs", f"data={data}", root, f"run_dir={run}", *small),
        *("backbone.width=0.25", *share, *settings),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, (folder / run / "report.txt").read_text()


def last(run: str) -> str:
    return f"init={run}/checkpoints/last.ckpt"


def test_the_leak_is_told_of_weights_that_go_back_to_imagenet(folder: Path):
    imagenet_weights(folder / "imagenet.safetensors")
    said = train(folder, "web", "noisy_dogs", "init=imagenet.safetensors")
    assert all("Leak" not in text for text in said)  # no test photo was looked at
    for text in train(folder, "tuned", "stanford_dogs", last("web")):
        assert "Leak: the weights go back to imagenet" in text
    checkpoint = read_checkpoint(folder / "tuned" / "checkpoints" / "last.ckpt")
    assert checkpoint["description"]["trained_on"] == ["imagenet", "noisy_dogs", "stanford_dogs"]
    done = run_inside(
        *("eval", "checkpoint=tuned/checkpoints/last.ckpt", "run_dir=eval"), cwd=folder
    )
    assert "Leak: " in done.stdout and "Leak: " in (folder / "eval" / "report.txt").read_text()
    teacher = ("teacher=checkpoint", "teacher.file=tuned/checkpoints/last.ckpt")
    for text in train(folder, "student", "stanford_dogs", *teacher):
        assert "Leak: the weights go back to imagenet" in text


def test_no_leak_is_told_of_noisy_photos_alone(folder: Path):
    train(folder, "clean_web", "noisy_dogs")
    console, report = train(folder, "clean_tuned", "stanford_dogs", last("clean_web"))
    assert "Leak" not in console + report
    assert "trained on: noisy_dogs" in report
    assert "tensors started anew: 0" in report  # rows of the breeds, found by name
    again = train(folder, "clean_tuned", "stanford_dogs", "resume=last", "trainer.max_steps=2")
    assert "Leak" not in again[0]


def test_weights_that_do_not_say_may_leak(folder: Path):
    weights = imagenet_weights(folder / "old.safetensors")
    old = read_weights(weights)
    kept = {key: value for key, value in old.description.items() if key != "trained_on"}
    save_weights(weights, Weights(old.tensors, kept))
    console, report = train(folder, "unknown", "stanford_dogs", "init=old.safetensors")
    assert "do not say" in console and "do not say" in report
