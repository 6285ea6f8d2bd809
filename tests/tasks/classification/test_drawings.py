"""The demo's drawings: the same every time, whole or not there, in the real layouts."""

from pathlib import Path

import numpy as np
import pytest

from backbone.errors import InputError
from tasks.classification.demo import breeds, things
from tasks.classification.demo.drawings import write_drawings
from tasks.classification.layouts.imagenet import wnids
from tasks.common.images.decoding import read_image
from tasks.common.synthetic.painting import SIZE_PX, draw_picture

ALL = things.DRAWINGS | breeds.DRAWINGS
SIZES = {"drawings": things.DRAWINGS, "num_images": {"train": 8, "val": 3}, "seed": 5}


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", ALL)
def test_a_thing_stands_out_from_its_ground(name: str) -> None:
    picture = draw_picture(ALL[name], np.random.default_rng(0))
    assert picture.shape == (SIZE_PX, SIZE_PX, 3) and picture.dtype == np.uint8
    assert picture.std() > 20


def test_the_folders_are_imagenets() -> None:
    assert set(things.DRAWINGS) <= set(wnids())


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    write_drawings(tmp_path / "a", **SIZES)
    write_drawings(tmp_path / "b", **SIZES)
    write_drawings(tmp_path / "other", **SIZES | {"seed": 6})
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "other")
    assert len(list((tmp_path / "a" / "train").rglob("*.jpg"))) == 8
    assert all(read_image(path).size for path in (tmp_path / "a" / "val").rglob("*.jpg"))


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputError, match="no drawings"):
        write_drawings(tmp_path, **SIZES)
