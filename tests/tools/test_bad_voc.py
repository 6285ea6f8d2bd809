"""The commands on VOC folders with faults."""

from pathlib import Path

import pytest

from tests.small_data import evaluate, refuses, write_coco, write_voc, write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


SIZE = "<size><width>80</width><height>60</height></size>"


def thing(xmin: object, xmax: object) -> str:
    corners = f"<xmin>{xmin}</xmin><ymin>9</ymin><xmax>{xmax}</xmax><ymax>40</ymax>"
    return f"<object><name>disc</name><bndbox>{corners}</bndbox></object>"


def annotation(content: str) -> str:
    return f"<annotation>{content}</annotation>"


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (f'<!DOCTYPE a [<!ENTITY l0 "ha">{ENTITIES}]>{annotation("&l9;")}', "entities"),
        (f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{annotation("&x;")}', "entities"),
        ("<annotation><size>", "not usable XML"),
        ("", "not usable XML"),
        ("<annotation>" + "<a>" * 50_000, "not usable XML"),
        ("<html></html>", "begins with <html>"),
        (annotation(SIZE + "<object><name>disc</name></object>"), "without bndbox"),
        (annotation(SIZE + "<object><name/></object>"), "no name"),
        (annotation(SIZE + thing("ten", 40)), "'ten' as bndbox/xmin"),
        (annotation(SIZE), "No objects"),
    ],
)
def test_voc_files_that_are_refused(xml: str, said: str, weights: Path, tmp_path: Path):
    root = write_voc(tmp_path / "voc", xml)
    done = evaluate(weights, root, "data=voc", cwd=tmp_path)
    refuses(done, root / "Annotations", said, folder=tmp_path)


@pytest.mark.parametrize("corners", [(40, 30), ("nan", 40), (10, 200), (-20, 40)])
def test_voc_boxes_are_refused_as_written(
    corners: tuple[object, object], weights: Path, tmp_path: Path
):
    root = write_voc(tmp_path / "voc", annotation(SIZE + thing(*corners)))
    done = evaluate(weights, root, "data=voc", cwd=tmp_path)
    refuses(done, "(a.jpg, 80x60)", f"[{corners[0]}, 9, {corners[1]}, 40]", folder=tmp_path)
    done = evaluate(weights, root, "data=voc", "data.on_bad_box=drop", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 box dropped" in done.stdout


def test_voc_counted_from_zero_is_clipped_and_counted(weights: Path, tmp_path: Path):
    root = write_voc(tmp_path / "voc", annotation(SIZE + thing(0, 40)))
    done = evaluate(weights, root, "data=voc", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 box clipped by at most a pixel" in done.stdout


def test_the_layout_of_the_other_kind_is_refused(weights: Path, tmp_path: Path):
    voc = write_voc(tmp_path / "voc", annotation(SIZE + thing(10, 40)))
    coco = write_coco(tmp_path / "coco")
    done = evaluate(weights, voc, "data=coco", cwd=tmp_path)
    refuses(done, voc, "COCO: a JSON", "data=demo", folder=tmp_path)
    done = evaluate(weights, coco, "data=voc", cwd=tmp_path)
    refuses(done, coco, "VOC: an XML", "data=demo", folder=tmp_path)
