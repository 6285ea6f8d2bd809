"""Classes that are not what they should be are told by name before training."""

from pathlib import Path

import numpy as np

from tasks.classification.class_lines import class_lines
from tasks.common.data.labels import LabelMap
from tasks.common.data.photos import Photos
from tests.commands import run_inside
from tests.photo_files import write_photos


def photos(names: tuple[str, ...], *targets: int) -> Photos:
    files = np.array([f"{index}.png".encode() for index in range(len(targets))])
    return Photos(Path("p"), files, np.array(targets), LabelMap(names, tuple(range(len(names)))))


def test_nothing_is_said_of_classes_that_are_in_both():
    names = ("cat", "dog")
    assert class_lines(photos(names, 0, 1, 1), photos(names, 1, 0)) == []


def test_classes_that_lack_photos_are_named():
    names = ("cat", "dog", "owl", "yak")
    assert class_lines(photos(names, 0, 1), photos(names, 0, 2)) == [
        "1 class with validation photos and no training photos, so not learned: owl",
        "1 class without any photos: yak",
        "1 class with training photos and no validation photos: dog",
    ]


def test_classes_that_look_alike_are_named():
    names = ("Cat", "cat", "e\u0301te\u0301", "\u00e9t\u00e9", "x")
    every = photos(names, *range(5))
    (line,) = class_lines(every, every)
    assert line.startswith("4 classes that differ in case or in encoding alone: Cat, cat, ")


def test_they_are_told_before_training_and_hidden_folders_are_left_out(tmp_path: Path):
    for split in ("train", "val"):
        for folder in ("cat", "dog", "cat/.ipynb_checkpoints", "dog/@eaDir", "__MACOSX"):
            write_photos(tmp_path / split / folder, ["a.png", "b.png"])
    write_photos(tmp_path / "val" / "owl", ["a.png"])
    settings = ("data.image_size=32", "data.batch_size=4", "data.num_workers=0", "ema_decay=null")
    small = ("backbone.width=0.25", "trainer.max_steps=1", "pictures.count=0")
    done = run_inside(
        "train", "task=imagenet", f"data.root={tmp_path}", *settings, *small, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "train: 4 photos of 2 of 3 classes" in said and "val: 5 photos of 3 of 3 classes" in said
    told = said.index("1 class with validation photos and no training photos, so not learned: owl")
    assert told < next(i for i, line in enumerate(said) if line.startswith("epoch"))
