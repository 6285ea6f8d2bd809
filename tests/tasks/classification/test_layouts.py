"""Folders of classes: which there are, what they are called and how they are numbered."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from backbone.errors import InputError
from tasks.classification.data import ClassificationData
from tasks.classification.layouts.imagenet import (
    ImageNetData,
    NumberedPhotos,
    imagenet_label_map,
    wnids,
)
from tasks.classification.layouts.stanford_dogs import StanfordDogsData
from tasks.common.data import augmentation
from tests.photo_files import write_photos
from tests.tasks.classification.folders import write_classes

LOADING = {
    "augmentation": partial(augmentation.paper, min_area=0.5),
    "batch_size": 2,
    "num_workers": 0,
    "image_size": 32,
    "seed": 0,
}
TABBY, TENCH = "n02123045", "n01440764"


def make(kind: type[ClassificationData], root: Path, on_bad_image: str = "error"):
    return kind(root=str(root), on_bad_image=on_bad_image, **LOADING)


def test_wordnet_ids_are_in_imagenets_order() -> None:
    assert len(set(wnids())) == len(imagenet_label_map()) == 1000
    assert (wnids()[0], wnids()[281]) == (TENCH, TABBY)
    assert imagenet_label_map().names[281] == "tabby"


def test_a_class_keeps_its_number_where_folders_are_missing(tmp_path: Path) -> None:
    data = make(ImageNetData, write_classes(tmp_path, {f"train/{TENCH}": 1, f"val/{TABBY}": 2}))
    assert data.photos("train").targets.tolist() == [0]
    assert data.photos("val").targets.tolist() == [281, 281]
    assert data.label_map == imagenet_label_map()


def test_other_folders_are_classes_by_their_names(tmp_path: Path) -> None:
    counts = {"train/cat": 1, "train/dog": 2, "val/dog": 1, "val/eel": 1, "val/.hidden": 1}
    data = make(ImageNetData, write_classes(tmp_path, counts))
    assert data.label_map.names == ("cat", "dog", "eel")
    assert data.photos("train").targets.tolist() == [0, 1, 1]
    assert data.photos("val").targets.tolist() == [1, 2]
    assert data.val_photo(1)[1] == {"classes": [{"id": 2, "name": "eel"}]}


def test_what_lies_beside_photos_is_counted(tmp_path: Path) -> None:
    root = write_classes(tmp_path, {"train/cat": 2, "train/dog": 1, "val/cat": 1})
    for name in ("cat/a.mov", "cat/b.mov", "dog/notes.txt", "dog/.DS_Store"):
        (root / "train" / name).write_bytes(b"x")
    data = make(ImageNetData, root)
    kinds = "2 .mov, 1 hidden, 1 .txt"
    assert data.photos("train").notes == (f"4 of 7 files are no photos: {kinds}",)
    assert data.photos("val").notes == ()


def test_breeds_have_readable_names(tmp_path: Path) -> None:
    counts = {"train/n02087046-toy_terrier": 1, "train/collie": 1, "test/collie": 1}
    data = make(StanfordDogsData, write_classes(tmp_path, counts))
    assert data.label_map.names == ("collie", "toy terrier")
    assert data.photos("val").targets.tolist() == [0]


def write_official(root: Path) -> list[str]:
    """The archives as they unpack, with one photo that is in neither list."""
    names = []
    for breed in ("n02085620-Chihuahua", "n02087046-toy_terrier"):
        write_photos(root / "Images" / breed, ["0.jpg", "1.jpg", "2.jpg"])
        names += [f"{breed}/{number}.jpg" for number in range(3)]
    for split, listed in (("train", names[:4]), ("test", names[5:])):
        cells = np.array([[name] for name in listed], dtype=object)
        savemat(root / f"{split}_list.mat", {"file_list": cells})
    return names


def test_the_official_lists_decide(tmp_path: Path) -> None:
    names = write_official(tmp_path)
    data = make(StanfordDogsData, tmp_path)
    train = data.photos("train")
    found = [str(train.path(index).relative_to(tmp_path / "Images")) for index in range(4)]
    assert (len(train), found) == (4, names[:4])
    assert data.photos("val").targets.tolist() == [1]
    assert data.label_map.names == ("Chihuahua", "toy terrier")


def test_damaged_and_foreign_lists_are_refused(tmp_path: Path) -> None:
    write_official(tmp_path)
    cells = np.array([["../etc/passwd"]], dtype=object)
    savemat(tmp_path / "train_list.mat", {"file_list": cells})
    (tmp_path / "test_list.mat").write_bytes(b"no such thing")
    data = make(StanfordDogsData, tmp_path)
    with pytest.raises(InputError, match="etc/passwd"):
        data.photos("train")
    with pytest.raises(InputError, match="test_list"):
        data.photos("val")


def test_numbers_in_names_are_classes(tmp_path: Path) -> None:
    write_photos(tmp_path, ["281_tabby.jpg", "000_tench.jpg"])
    assert make(NumberedPhotos, tmp_path).photos("val").targets.tolist() == [0, 281]
    write_photos(tmp_path, ["tabby.jpg"])
    with pytest.raises(InputError, match=r"tabby\.jpg"):
        make(NumberedPhotos, tmp_path).photos("val")


@pytest.mark.parametrize("root", [None, "nowhere"])
def test_without_data_the_message_names_the_ways_out(root: str | None) -> None:
    data = ImageNetData(root=root, on_bad_image="error", **LOADING)
    with pytest.raises(InputError, match="data=demo"):
        data.photos("train")


def test_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(InputError, match="train"):
        make(ImageNetData, tmp_path).photos("train")


def test_bad_photos_are_refused_or_skipped(tmp_path: Path) -> None:
    root = write_classes(tmp_path, {"train/cat": 2, "val/cat": 1})
    (root / "train" / "cat" / "0.png").write_text("<html>")
    with pytest.raises(InputError, match=r"1 of 2 images.*\n.*0\.png"):
        make(ImageNetData, root).photos("train")
    data = make(ImageNetData, root, on_bad_image="skip")
    assert len(data.photos("train")) == 1
    assert any("0.png" in line for line in data.report_lines())


def test_samples_depend_on_their_place_alone(tmp_path: Path) -> None:
    data = make(ImageNetData, write_classes(tmp_path, {"train/cat": 2, "val/cat": 1}))
    first, again, other = (data.train_set[place] for place in ((0, 1), (0, 1), (1, 1)))
    assert first["image"].shape == (32, 32, 3)
    assert np.array_equal(first["image"], again["image"])
    assert not np.array_equal(first["image"], other["image"])
    batch = data.collate([first, {"id": 7, "error": "torn"}])
    assert batch["image"].shape == (1, 3, 32, 32)
    assert (batch["target"].tolist(), batch["errors"]) == ([0], ["torn"])
