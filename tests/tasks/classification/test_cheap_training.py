"""Growing photos and small copies as a data module uses them."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.classification.layouts.imagenet import ImageNetData
from tasks.common.data import augmentation
from tasks.common.data.resolution import growing_sides
from tests.commands import run_inside
from tests.photo_files import write_photos
from tests.small_data import refuses

SETTINGS = ("task=imagenet", "data=demo", "data.num_train=6", "data.num_val=6", "run_dir=run")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Photos of the same name in two folders, larger than their copies will be."""
    for folder in ("train/cat", "train/dog", "val/cat"):
        write_photos(tmp_path / folder, ["0.jpg", "1.jpg"], size=(200, 150))
    return tmp_path


def make(root: Path, **settings: Any) -> ImageNetData:
    return ImageNetData(
        root=str(root),
        augmentation=partial(augmentation.paper, min_area=0.5),
        on_bad_image="error",
        batch_size=2,
        num_workers=0,
        image_size=96,
        seed=0,
        **settings,
    )


def test_training_photos_grow_and_validation_photos_do_not(root: Path) -> None:
    growing = partial(growing_sides, start=32, full_share=0.4, num_epochs=4)
    data = make(root, resolution=growing)
    sides = [data.train_set[epoch, 0]["image"].shape[0] for epoch in range(6)]
    assert sides == [32, 64, 96, 96, 96, 96]
    assert data.val_set[0, 0]["image"].shape == (96, 96, 3)
    assert "training photos by epoch: 32 pixels from 1, 64 from 2, 96 from 3" in data.report_lines()


def test_a_full_sized_epoch_is_what_it_is_without_growing(root: Path) -> None:
    growing = partial(growing_sides, start=32, full_share=0.4, num_epochs=4)
    grown, plain = make(root, resolution=growing).train_set, make(root).train_set
    assert np.array_equal(grown[3, 1]["image"], plain[3, 1]["image"])


def test_training_looks_at_copies_and_validation_at_photos(root: Path) -> None:
    data, plain = make(root, cache=str(root / "cache")), make(root)
    samples = [data.train_set[epoch, index]["image"] for epoch in (0, 0, 1) for index in range(4)]
    assert all(np.array_equal(*pair) for pair in zip(samples[:4], samples[4:8], strict=True))
    assert np.array_equal(data.val_set[0, 0]["image"], plain.val_set[0, 0]["image"])
    folder = root / "cache" / "110"  # 8/7 of 96
    assert f"cache {folder}: 4 copies made, 0 made anew, 8 found, 0 not needed" in (
        data.report_lines()
    )
    assert len(list(folder.rglob("*.jpg"))) == 4


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.resolution.start=20", "data.resolution.start=20"),
        ("data.resolution.full_share=0", "data.resolution.full_share=0"),
        ("data.cache_side=0", "data.cache_side=0"),
        ("data.cache=file", "data.cache=file"),
        ("init_classes=some", "init_classes=some"),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    needed = ("data.resolution.start=64",) if "full_share" in setting else ()
    needed += ("data.cache=copies",) if "cache_side" in setting else ()
    done = run_inside("train", *SETTINGS, *needed, setting, cwd=tmp_path)
    refuses(done, said, folder=tmp_path)


def test_a_backbone_that_needs_more_is_not_started_smaller(tmp_path: Path) -> None:
    settings = (*SETTINGS, "backbone=inception_v3", "data.image_size=96")
    done = run_inside("train", *settings, "data.resolution.start=64", cwd=tmp_path)
    refuses(done, "data.resolution.start=64", "75 pixels", folder=tmp_path)
