"""Tables of labels as published and as users write them, and what is wrong with some."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.data import augmentation
from tasks.face_attributes.celeba import CelebAData
from tasks.face_attributes.data import AttributeData
from tasks.face_attributes.drawn_faces import write_faces
from tasks.face_attributes.fairface import FairFaceData
from tasks.face_attributes.labelled_table import TableData
from tests.commands import run_inside
from tests.photo_files import write_photos
from tests.small_data import refuses

NAN = float("nan")


def make(kind: type[AttributeData], root: Path, **settings: Any) -> Any:
    defaults = {
        "augmentation": partial(augmentation.paper, min_area=0.5),
        "batch_size": 2,
        "num_workers": 0,
        "image_size": 32,
        "seed": 0,
        "on_bad_image": "error",
    }
    return kind(root=str(root), **(defaults | settings))


def write_table(root: Path, *, train: str, val: str = "file,hat\nv.png,1\n") -> Path:
    """Two tables, and the photos a.png, b.png and v.png."""
    write_photos(root, ["a.png", "b.png", "v.png"])
    (root / "labels_train.csv").write_text(train)
    (root / "labels_val.csv").write_text(val)
    return root


def test_cells_are_yes_no_and_unknown(tmp_path: Path) -> None:
    train = "file,hat,smile\na.png,1,-1\n./b.png,,1.0\n"
    root = write_table(tmp_path, train=train, val="smile,file,hat\n-1,v.png,0\n")
    data = make(TableData, root)
    assert data.label_map.names == ("hat", "smile")
    assert np.array_equal(data.faces("train").targets, [[1, 0], [NAN, 1]], equal_nan=True)
    assert data.faces("val").targets.tolist() == [[0, 0]]
    assert data.train_set[0, 1]["image"].shape == (32, 32, 3)
    batch = data.collate([data.val_set[0, 0]])
    assert batch["target"].tolist() == [[0, 0]]
    assert "train: 2 faces, 0 of them unlabelled, 2 attributes, 75.0% of them known" in (
        data.report_lines()
    )


def test_columns_of_groups_are_not_learnt(tmp_path: Path) -> None:
    train = "file,hat,tone\na.png,1,pale\nb.png,0,\n"
    root = write_table(tmp_path, train=train, val="file,hat,tone\nv.png,1,dark\n")
    data = make(TableData, root, groups=["tone"])
    assert data.label_map.names == ("hat",)
    assert data.faces("train").groups["tone"].tolist() == ["pale", ""]


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("", "empty"),
        ("file,hat\n", "no rows"),
        ("who,hat\na.png,1\n", "lacks the column file; it has who, hat"),
        ("file,beard\na.png,1\n", "lacks the column hat"),
        ("file,hat,hat\na.png,1,1\n", "more than once"),
        ("file,hat\na.png\n", "row 2 has 1 cells"),
        ("file,hat\na.png,maybe\n", r"a.png has 'maybe' as 'hat'.*data.categories=.hat"),
        ("file,hat\na.png,2\n", "a.png has '2' as 'hat'"),
        ("file,hat\na.png,0\nb.png,-1\n", "both 0 and -1"),
        ("file,hat\na.png,1\n./a.png,1\n", "rows 2 and 3 are both about a.png"),
        ("file,hat\n../z.png,1\n", "leads out of the image folder"),
        ("file,hat\nnone.png,1\n", "none.png"),
    ],
)
def test_what_a_table_may_not_hold(tmp_path: Path, train: str, said: str) -> None:
    data = make(TableData, write_table(tmp_path, train=train))
    with pytest.raises(InputError, match=said):
        data.photos("train")


def test_bad_photos_are_refused_or_counted(tmp_path: Path) -> None:
    """A torn file, a missing one, and one of 400 million pixels that takes few bytes."""
    rows = "a.png,1\nb.png,0\nhuge.png,1\nnone.png,1\n"
    root = write_table(tmp_path, train=f"file,hat\n{rows}")
    (root / "b.png").write_bytes((root / "b.png").read_bytes()[:60])
    Image.new("1", (20_000, 20_000)).save(root / "huge.png")
    with pytest.raises(InputError, match="3 of 4 images"):
        make(TableData, root).photos("train")
    data = make(TableData, root, on_bad_image="skip")
    assert len(data.faces("train")) == len(data.faces("train").targets) == 1
    skipped = [line for line in data.report_lines() if "skipped" in line]
    assert len(skipped) == 3 and any("huge.png" in line for line in skipped)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("who,hat\na.png,1\n", "labels_train.csv lacks the column file"),
        ("file,beard\na.png,1\n", "labels_train.csv lacks the column hat"),
        ("file,hat\na.png,1\ngone.png,0\n", "No image file at"),
        ("file,hat\na.png,1\nhuge.png,0\n", "20000x20000, 400 megapixels; the limit is 100"),
    ],
)
def test_the_command_refuses_them_in_one_message(tmp_path: Path, train: str, said: str) -> None:
    root = write_table(tmp_path / "faces", train=train)
    Image.new("1", (20_000, 20_000)).save(root / "huge.png")
    settings = ("data.num_workers=0", "data.image_size=64", "backbone.width=0.25", "run_dir=run")
    done = run_inside(
        "train", "task=face_attributes", "data=csv", f"data.root={root}", *settings, cwd=tmp_path
    )
    refuses(done, said, folder=tmp_path)


def test_unlabelled_faces_are_for_a_teacher(tmp_path: Path) -> None:
    root = write_table(tmp_path / "faces", train="file,hat\na.png,1\n")
    write_photos(tmp_path / "more" / "deeper", ["c.png", "d.png"])
    alone, taught = (make(TableData, root, unlabelled=str(tmp_path / "more")) for _ in range(2))
    assert len(alone.faces("train")) == 1
    assert any("data.unlabelled: not used" in line for line in alone.report_lines())
    taught.has_teacher = True
    assert len(taught.faces("train")) == 3 and np.isnan(taught.faces("train").targets[1:]).all()
    assert taught.train_set[0, 2]["image"].shape == (32, 32, 3)
    assert len(taught.faces("val")) == 1
    again = make(TableData, root, unlabelled=str(root))  # where the labelled ones are, too
    again.has_teacher = True
    assert len(again.faces("train")) == 3  # a.png once
    (flattered,) = again.cautions()
    assert flattered.startswith("1 of 1 validation photos are copies of training photos")
    assert not taught.cautions()
    nowhere = make(TableData, root, unlabelled=str(tmp_path / "nowhere"))
    nowhere.has_teacher = True
    with pytest.raises(InputError, match=r"data\.unlabelled=.*nowhere"):
        nowhere.photos("train")


def test_fairface_is_one_attribute_a_value(tmp_path: Path) -> None:
    header = "file,age,gender,race,service_test\n"
    train = f"{header}a.png,0-2,Male,White,True\nb.png,,Female,Latino_Hispanic,False\n"
    data = make(FairFaceData, write_table(tmp_path, train=train))
    faces = data.faces("train")
    names = np.array(faces.label_map.names)
    assert len(names) == 18
    assert names[faces.targets[0] == 1].tolist() == ["age 0-2", "gender Male", "race White"]
    assert np.isnan(faces.targets[1]).sum() == 9
    assert faces.groups["race and gender"].tolist() == ["White Male", "Latino_Hispanic Female"]
    published = tmp_path / "fairface_label_train.csv"
    (tmp_path / "labels_train.csv").rename(published)
    assert len(make(FairFaceData, tmp_path).faces("train")) == 2
    published.write_text(f"{header}a.png,0-3,Male,White,True\n")
    with pytest.raises(InputError, match="'0-3' as age"):
        make(FairFaceData, tmp_path).photos("train")
    published.unlink()
    with pytest.raises(InputError, match=r"no labels_train\.csv.*file, age, gender, race"):
        make(FairFaceData, tmp_path).photos("train")


def write_celeba(root: Path) -> Path:
    write_photos(root / "img_align_celeba", [f"{number}.jpg" for number in range(3)])
    rows = ["3", "Male Smiling", "0.jpg -1  1", "1.jpg  1 -1", "2.jpg  1  1"]
    (root / "list_attr_celeba.txt").write_text("\n".join(rows) + "\n")
    (root / "list_eval_partition.txt").write_text("0.jpg 0\n1.jpg 1\n2.jpg 2\n")
    return root


def test_celeba_has_three_parts(tmp_path: Path) -> None:
    root = write_celeba(tmp_path)
    data = make(CelebAData, root, val_split="val")
    assert data.faces("train").targets.tolist() == [[0, 1]]
    assert data.faces("val").targets.tolist() == [[1, 0]]
    assert data.val_photo(0)[1] == {"attributes": [{"id": 0, "name": "Male"}]}
    test = make(CelebAData, root, val_split="test").faces("val")
    assert test.targets.tolist() == [[1, 1]] and test.groups["Male"].tolist() == ["Male"]
    with pytest.raises(InputError, match=r"data\.val_split=all"):
        make(CelebAData, root, val_split="all")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("list_attr_celeba.txt", "2\nMale\n0.jpg 1\n", "announces 2 photos and lists 1"),
        ("list_attr_celeba.txt", "1\nMale Bald\n0.jpg 1\n", "line 3 has 1 labels"),
        ("list_attr_celeba.txt", "1\nMale\n9.jpg 1\n", "lacks 0.jpg"),
        ("list_eval_partition.txt", "0.jpg 7\n", "no photo and its part"),
        ("list_eval_partition.txt", "1.jpg 1\n", "no photo of part 0"),
    ],
)
def test_damaged_lists_of_celeba_are_refused(
    tmp_path: Path, file: str, text: str, said: str
) -> None:
    root = write_celeba(tmp_path)
    (root / file).write_text(text)
    with pytest.raises(InputError, match=said):
        make(CelebAData, root, val_split="val").photos("train")


def test_drawn_faces_depend_on_the_seed_alone(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_faces(tmp_path / name, num_train=2, num_val=1, seed=seed)
    first, again, other = (
        [path.read_bytes() for path in sorted((tmp_path / name).rglob("*.jpg"))] for name in "abc"
    )
    assert first == again and first != other and len(first) == 3
