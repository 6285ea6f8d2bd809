"""Classes in a table, in the forms that people have it."""

from pathlib import Path

import pytest

from backbone.errors import InputError
from tasks.classification.layouts.labelled_table import TableData
from tests.photo_files import write_photos
from tests.tasks.classification.test_layouts import LOADING

NAMES = [f"{number}.jpg" for number in range(6)]
ROWS = [(name, "cat" if number % 2 else "dog", "train") for number, name in enumerate(NAMES)]
ROWS = [*ROWS[:4], (NAMES[4], "dog", "val"), (NAMES[5], "cat", "test")]


def make(root: Path, text: str | None = None, **settings) -> TableData:
    write_photos(root / "images", NAMES)
    if text is not None:
        (root / "labels.csv").write_bytes(text.encode())
    return TableData(root=str(root), on_bad_image="error", **LOADING, **settings)


def table(separator: str, header: str, *, prefix: str = "") -> str:
    rows = [separator.join((prefix + name, *rest)) for name, *rest in ROWS]
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        table(",", "file,label,split", prefix="images/"),
        table(";", "\ufeffimage_id;class;split"),
        table("\t", "filename\tlabel\tsplit", prefix="images\\"),
        "\n".join([",path,x,split", *(f"{i},{','.join(row)}" for i, row in enumerate(ROWS))]),
        table(",", "file,label,split", prefix="/content/drive/images/").replace(".jpg", ".JPG"),
        table(",", "id,breed,split").replace(".jpg", ""),
        table(",", "file,label,split").replace("train", "Training").replace("val", "valid"),
        table(",", "file,label,split").replace("\n", "\r\n"),
    ],
    ids=["plain", "excel", "tabs", "index", "elsewhere", "no suffix", "words", "windows"],
)
def test_tables_in_every_form(text: str, tmp_path: Path):
    data = make(tmp_path, text)
    train, val = data.photos("train"), data.photos("val")
    assert train.label_map.names == ("cat", "dog")
    assert [train.name(i) for i in range(4)] == [f"images/{name}" for name in NAMES[:4]]
    assert train.targets.tolist() == [1, 0, 1, 0] and val.targets.tolist() == [1]
    assert val.notes == ("1 photo of the split test left out",)


def test_without_a_split_a_share_is_held_out(tmp_path: Path):
    text = table(",", "file,label,split").replace(",train", "").replace(",val", "")
    text = text.replace(",test", "").replace(",split", "").replace("5.jpg,cat", "5.jpg,")
    with pytest.raises(InputError, match=r"no column split.*data\.val_share=0\.2"):
        make(tmp_path, text).photos("train")
    data = make(tmp_path, text, val_share=0.3)
    assert len(data.photos("train")) + len(data.photos("val")) == 5
    assert "1 row without a label left out" in data.photos("train").notes


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        (None, {}, "no table of labels"),
        ("photo_name,label\n0.jpg,cat\n", {}, "lacks the column file; it has photo_name, label"),
        ("file,a,b\n0.jpg,1,2\n", {}, "data.label=NAME"),
        ("file,label\n0.jpg,cat\n", {"label": "kind"}, "lacks the column kind"),
        ("file,label,split\n0.jpg,cat,later\n", {}, "row 2 has the split 'later'"),
        ("file,label,split\n0.jpg,cat,val\n", {}, "no row whose split is train"),
        ("file,label,split\n0.jpg,cat,val\n", {"val_share": 0.2}, "Give data.val_share=null"),
        ("file,label\n0.jpg,cat\nimages/0.jpg,dog\n", {}, "rows 2 and 3 are both about"),
        ("file,label\n../9.jpg,cat\n", {}, "leads out of the image folder"),
        ("PK\x03\x04 a workbook", {}, "save the sheet as CSV"),
        ('{"a": 1}', {}, "JSON"),
        ("file,label\n0.jpg,cat\n", {"images": "nowhere"}, "data.images=nowhere"),
    ],
)
def test_what_is_missing_is_said(text, settings, said, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        make(tmp_path, text, **settings).photos("train")
