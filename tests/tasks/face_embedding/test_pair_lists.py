"""Pairs as people list their own, and as insightface packs them, which runs nothing."""

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.face_embedding.pairs import Pairs, read_pairs
from tests.photo_files import write_photos

PEOPLE = ("Ann Lee", "Zo\u00eb", "\u5f20\u4f1f")
ROWS = [
    *((f"{person}/1.jpg", f"{person}/2.jpg", "1") for person in PEOPLE),
    *(
        (f"{a}/1.jpg", f"{b}/2.jpg", "0")
        for a, b in zip(PEOPLE, PEOPLE[1:] + PEOPLE[:1], strict=True)
    ),
]


def read(root: Path, text: str) -> Pairs:
    for person in PEOPLE:
        write_photos(root / "faces" / person, ["1.jpg", "2.jpg"])
    (root / "pairs.csv").write_text(text, encoding="utf-8")
    return read_pairs(root / "pairs.csv", root / "faces", cache=root / "cache")


def lines(separator: str, *header: str) -> str:
    return "\n".join([*header, *(separator.join(row) for row in ROWS)]) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        lines(",", "file1,file2,same"),
        lines(";", "\ufefffile1;file2;same"),
        lines("\t"),
        lines(",").replace(",1\n", ",True\n").replace(",0\n", ",False\n"),
        lines(",").replace("/", "\\"),
        lines(",", "a,b,label"),
        lines(",").replace(".jpg", ".JPG"),
    ],
    ids=["csv", "excel", "tabs", "words", "backslashes", "header", "capitals"],
)
def test_pairs_by_the_names_of_files(text: str, tmp_path: Path):
    pairs = read(tmp_path, text)
    assert pairs.same.tolist() == [True] * 3 + [False] * 3
    assert sorted(pairs.fold[:3].tolist()) == sorted(pairs.fold[3:].tolist()) == [0, 1, 2]
    first, second = (pairs.paths[index] for index in pairs.photos[1])
    assert (first.parent.name, first.name, second.name) == ("Zo\u00eb", "1.jpg", "2.jpg")
    assert pairs.named and len(pairs.paths) == 6 and pairs.names[pairs.photos[0][0]] == "Ann Lee"


def test_pairs_between_blanks_and_of_one_folder(tmp_path: Path):
    write_photos(tmp_path / "faces", ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "pairs.txt").write_text("a.jpg b.jpg 1\na.jpg c.jpg -1\n")
    pairs = read_pairs(tmp_path / "pairs.txt", tmp_path / "faces", cache=tmp_path)
    assert pairs.photos.tolist() == [[0, 1], [0, 2]] and pairs.same.tolist() == [True, False]
    assert not pairs.named  # nothing says whose c.jpg is


def test_tabs_part_names_with_blanks_in_lfws_form(tmp_path: Path):
    root = tmp_path / "faces"
    for person in ("Ann Lee", "Bob Ray 2"):
        write_photos(root / person, [f"{person}_0001.jpg", f"{person}_0002.jpg"])
    text = "1\t1\nAnn Lee\t1\t2\nAnn Lee\t1\tBob Ray 2\t2\n"
    (tmp_path / "pairs.txt").write_text(text)
    pairs = read_pairs(tmp_path / "pairs.txt", root, cache=tmp_path)
    assert pairs.names == ["Ann Lee", "Ann Lee", "Bob Ray 2"]


def test_lfws_form_with_all_photos_in_one_folder(tmp_path: Path):
    write_photos(tmp_path / "faces", ["a_0001.jpg", "a_0002.jpg", "b_0001.jpg"])
    (tmp_path / "pairs.txt").write_text("1\na 1 2\na 1 b 1\n")
    pairs = read_pairs(tmp_path / "pairs.txt", tmp_path / "faces", cache=tmp_path)
    assert pairs.names == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,1\n", "line 1: there is no photo a in"),
        (
            "file1,file2,same\nAnn Lee/1.jpg,Ann Lee/2.jpg,perhaps\n",
            "first line must give.*1 where both",
        ),
        ("Ann Lee/1.jpg,Ann Lee/1.jpg,1\n", "is one photo, not a pair"),
        ("Ann Lee/1.jpg,Ann Lee/2.jpg,1\n", "are both needed"),
        (
            "Ann Lee/1.jpg,Ann Lee/2.jpg,1\nAnn Lee/1.jpg,Zo\u00eb\n",
            "line 2: .* is not a file, another",
        ),
        ("../secret.jpg,Ann Lee/2.jpg,1\n", "leads out"),
    ],
)
def test_wrong_lines_are_named(text: str, said: str, tmp_path: Path):
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)


def packed(count: int) -> tuple[list[bytes], list[bool]]:
    photos = []
    for seed in range(2 * count):
        pixels = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, format="jpeg")
        photos.append(stream.getvalue())
    return photos, [number % 2 == 0 for number in range(count)]


@pytest.mark.parametrize("protocol", [2, 3, pickle.HIGHEST_PROTOCOL])
def test_insightfaces_files_are_read(protocol: int, tmp_path: Path):
    photos, same = packed(20)
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps((photos, same), protocol=protocol))
    pairs = read_pairs(tmp_path / "lfw.bin", None, cache=tmp_path / "cache")
    assert pairs.same.tolist() == same and pairs.fold.tolist() == [n // 2 for n in range(20)]
    assert [path.read_bytes() for path in pairs.paths] == photos
    assert pairs.photos[3].tolist() == [6, 7] and not pairs.named


class Harmful:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ((Harmful(), [True]), "it holds builtins.print"),
        (([b"a", b"b"], [np.float64(1)]), "it holds numpy"),
        (([b"a"], [True]), "two for each"),
        (([b"a", b"b"], ["yes"]), "two for each"),
        ([b"a"], "no file of pairs"),
    ],
)
def test_nothing_else_is_unpacked_and_nothing_runs(content, said: str, capsys, tmp_path: Path):
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=said):
        read_pairs(tmp_path / "lfw.bin", None, cache=tmp_path / "cache")
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(packed(2))[:-40])
    with pytest.raises(InputError, match="no file of pairs"):
        read_pairs(tmp_path / "lfw.bin", None, cache=tmp_path / "cache")
    assert capsys.readouterr().out == ""
