"""Attributes in tables as people and programs write them, and CelebA as it is passed on."""

from pathlib import Path

import pytest

from backbone.errors import InputError
from tasks.face_attributes.celeba import CelebAData
from tasks.face_attributes.fairface import FairFaceData
from tasks.face_attributes.labelled_table import TableData
from tests.photo_files import write_photos
from tests.tasks.face_attributes.test_data import make

NAMES = ["a.png", "b.png", "v.png"]


def write(root: Path, **tables: str) -> Path:
    write_photos(root / "photos", NAMES)
    for name, text in tables.items():
        (root / f"{name}.csv").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "text",
    [
        "file,hat,split\na.png,1,train\nb.png,0,train\nv.png,1,val\n",
        "\ufefffile;hat;split\nphotos/a.png;1;train\nphotos/b.png;0;train\nphotos/v.png;1;val\n",
        "image_id\that\tsplit\na.png\t1\ttraining\nb.png\t-1\ttraining\nv.png\t1\ttest\n",
        ",path,hat,split\n0,a.png,True,train\n1,b.png,False,train\n2,v.png,True,dev\n",
        "file,hat,split\nphotos\\a.png,yes,train\nphotos\\b.png,No,train\nphotos\\v.png,Y,val\n",
    ],
    ids=["plain", "excel", "tabs", "pandas", "words and backslashes"],
)
def test_one_table_in_every_form(text: str, tmp_path: Path):
    data = make(TableData, write(tmp_path, labels=text))
    train, val = data.faces("train"), data.faces("val")
    assert train.label_map.names == ("hat",)
    assert [train.name(index) for index in range(2)] == ["photos/a.png", "photos/b.png"]
    assert (train.targets.tolist(), val.targets.tolist()) == ([[1], [0]], [[1]])


def test_a_share_is_held_out_of_a_table_without_a_split(tmp_path: Path):
    root = write(tmp_path, faces="file,hat\na.png,1\nb.png,0\nv.png,1\n")
    with pytest.raises(InputError, match=r"no column split.*data\.val_share"):
        make(TableData, root).faces("train")
    data = make(TableData, root, val_share=0.3)
    assert (len(data.faces("train")), len(data.faces("val"))) == (2, 1)


def test_copies_under_other_names_are_told(tmp_path: Path):
    rows = "file,hat,split\na.png,1,train\nb.png,0,train\nv.png,1,val\nw.png,0,val\n"
    root = write(tmp_path, labels=rows)
    (root / "photos" / "w.png").write_bytes((root / "photos" / "b.png").read_bytes())
    data = make(TableData, root)
    data.faces("train")
    assert data.cautions() == [
        "1 of 2 validation photos are copies of training photos, so that figures flatter: "
        "photos/w.png is photos/b.png"
    ]


def test_each_word_of_a_category_is_an_attribute(tmp_path: Path):
    train, val = "file,hat,hair\na.png,1,black\nb.png,0,\n", "file,hat,hair\nv.png,0,grey\n"
    data = make(TableData, write(tmp_path, labels_train=train, labels_val=val), categories=["hair"])
    assert data.label_map.names == ("hat", "hair black", "hair grey")
    assert data.faces("train").targets[0].tolist() == [1, 1, 0]
    assert str(data.faces("train").targets[1].tolist()) == "[0.0, nan, nan]"
    assert data.faces("val").targets.tolist() == [[0, 0, 1]]


def test_fairface_is_found_below_other_names(tmp_path: Path):
    table = "file,age,gender,race\nC:\\faces\\a.png,0-2,Male,White\n"
    faces = make(FairFaceData, write(tmp_path, labels_train=table)).faces("train")
    assert faces.name(0) == "photos/a.png" and "other" not in faces.notes[0]


ATTRIBUTES = "3\nMale Smiling\n000001.jpg -1  1\n000002.jpg  1 -1\n182638.jpg  1  1\n"
PARTS = "000001.jpg 0\n000002.jpg 1\n182638.jpg 2\n"


def as_kaggle(text: str, header: str) -> str:
    rows = [",".join(line.split()) for line in text.splitlines()]
    return "\n".join([header, *rows]) + "\n"


FORMS = {
    "published": ("list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"),
    "drive": ("Anno/list_attr_celeba.txt", "Eval/list_eval_partition.txt", "Img/img_align_celeba"),
    "kaggle": (
        *("list_attr_celeba.csv", "list_eval_partition.csv"),
        "img_align_celeba/img_align_celeba",
    ),
}


def write_celeba(root: Path, form: str, *, bom: str = "") -> Path:
    labels, parts, photos = FORMS[form]
    write_photos(root / photos, ["000001.jpg", "000002.jpg", "182638.jpg"])
    texts = {labels: ATTRIBUTES, parts: PARTS}
    if form == "kaggle":
        rows = ATTRIBUTES.partition("Smiling\n")[2]
        texts = {
            labels: as_kaggle(rows, "image_id,Male,Smiling"),
            parts: as_kaggle(PARTS, "image_id,partition"),
        }
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(bom + text, encoding="utf-8")
    return root


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("form", FORMS)
def test_celeba_in_every_form(form: str, bom: str, tmp_path: Path):
    root = write_celeba(tmp_path, form, bom=bom)
    data = make(CelebAData, root, val_split="val")
    assert data.label_map.names == ("Male", "Smiling")
    assert data.faces("train").targets.tolist() == [[0, 1]]
    assert data.faces("val").targets.tolist() == [[1, 0]]
    assert make(CelebAData, root, val_split="test").faces("val").targets.tolist() == [[1, 1]]


def test_celeba_without_a_partition_has_the_official_one(tmp_path: Path):
    root = write_celeba(tmp_path, "published")
    (root / "list_eval_partition.txt").unlink()
    assert make(CelebAData, root, val_split="test").faces("val").name(0) == "182638.jpg"
    train = make(CelebAData, root, val_split="test").faces("train")
    assert len(train) == 2 and "official parts" in train.notes[0]
    with pytest.raises(InputError, match="no photo of part 1"):
        make(CelebAData, root, val_split="val").faces("val")
