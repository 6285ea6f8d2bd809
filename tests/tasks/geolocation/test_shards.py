"""Shards: written whole after any interruption, read photo by photo, and refused when damaged."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backbone.errors import InputError
from tasks.common.data import augmentation
from tasks.common.images.decoding import read_image
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.shards.data import ShardData
from tests.commands import ROOT, Finished, run_inside
from tests.photo_files import write_photos

NUM_TRAIN, NUM_VAL, PER_SHARD = 12, 4, 5
SETTINGS = {
    "cells": None,
    "max_photos": 4,
    "min_photos": 1,
    "min_level": 0,
    "max_level": 30,
    "album_size": None,
    "augmentation": augmentation.plain,
    "on_bad_image": "error",
    "batch_size": 2,
    "num_workers": 0,
    "image_size": 32,
    "seed": 0,
}


def write_data(root: Path, *, suffix: str = ".png") -> Path:
    """Photos of two regions, 12 to learn from and 4 to test."""
    names = [f"deep/{number}{suffix}" for number in range(NUM_TRAIN + NUM_VAL)]
    (root / "photos" / "deep").mkdir(parents=True)
    write_photos(root / "photos", names)
    rows = [
        f"{name},{10 + 40 * (number % 2)},{number},{number // 4},"
        f"{'train' if number < NUM_TRAIN else 'test'}"
        for number, name in enumerate(names)
    ]
    (root / "photos.csv").write_text("\n".join(["file,latitude,longitude,place,split", *rows]))
    return root


def pack(root: Path, *settings: str, output: str = "shards") -> Finished:
    return run_inside(
        "make_shards",
        f"table={root / 'photos.csv'}",
        f"images={root / 'photos'}",
        f"output={root / output}",
        f"photos_per_shard={PER_SHARD}",
        *settings,
        cwd=root,
    )


def packed(root: Path, *settings: str) -> Path:
    done = pack(root, *settings)
    assert done.returncode == 0, done.stderr
    return root / "shards"


def make(shards: Path, **settings) -> ShardData:
    return ShardData(root=str(shards), window=2, **SETTINGS | settings)


def epoch(data: ShardData) -> list[int]:
    """What an epoch shows, sorted."""
    sampler = data.train_sampler(seed=0, batch_size=2, epoch=0, skipped_batches=0)
    return sorted(index for _, index in sampler)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_samples_are_those_of_the_folder(tmp_path: Path) -> None:
    shards = packed(write_data(tmp_path))
    folder = GeolocationData(
        root=str(tmp_path), table=None, images=None, on_bad_row="error", **SETTINGS
    )
    for split in ("train", "val"):
        ours, theirs = make(shards).photos(split), folder.photos(split)
        assert len(ours) == len(theirs)
        by_name = {theirs.file_names[index]: index for index in range(len(theirs))}
        for index in range(len(ours)):
            other = by_name[ours.file_names[index]]
            pixels = read_image(ours.image(index)).pixels
            assert np.array_equal(pixels, read_image(theirs.image(other)).pixels)
            assert np.array_equal(ours.points[index], theirs.points[other])
            assert np.array_equal(ours.targets[index], theirs.targets[other])
    assert make(shards).report_lines() == []
    photo, truth = make(shards).val_photo(0)
    assert Path(str(photo)).parts[-3:-1] == ("val-000000.tar", "deep")
    assert truth["location"].keys() == {"latitude", "longitude"}


def test_a_photo_is_named_by_its_shard_and_its_key_there(tmp_path: Path) -> None:
    shards = packed(write_data(tmp_path))
    data = make(shards)
    for index in range(len(data.photos("train"))):
        name, photo = data.train_photo(index)
        shard, key = str(name).split("/")
        with tarfile.open(shards / shard) as tar:
            facts = json.load(tar.extractfile(f"{key}.json"))
        assert str(photo) == f"{shards / shard}/{facts['file']}"


def test_other_tools_read_the_shards(tmp_path: Path) -> None:
    """They pair the members of a tar file by name up to the first dot."""
    shards = packed(write_data(tmp_path))
    found = {}
    for path in sorted(shards.glob("train-*.tar")):
        with tarfile.open(path) as tar:
            members = [(member.name, tar.extractfile(member).read()) for member in tar]
        for (photo, _), (facts, text) in zip(members[::2], members[1::2], strict=True):
            assert photo.split(".")[0] == facts.split(".")[0]
            found[json.loads(text)["file"]] = json.loads(text)
    assert len(found) == NUM_TRAIN
    assert found["deep/3.png"]["longitude"] == 3.0


def test_large_photos_are_made_smaller_on_request(tmp_path: Path) -> None:
    write_data(tmp_path)
    Image.new("RGB", (400, 100), "red").save(tmp_path / "photos" / "deep" / "0.png")
    photos = make(packed(tmp_path, "side=50")).photos("train")
    sizes = {
        photos.file_names[index].decode(): read_image(photos.image(index)).size
        for index in range(len(photos))
    }
    assert sizes["deep/0.png"] == (200, 50)
    assert sizes["deep/1.png"] == (40, 30)  # as it was


def test_broken_photos_are_counted_and_listed(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "photos" / "deep" / "3.png").write_text("<html>")
    (tmp_path / "photos" / "deep" / "14.png").unlink()
    done = pack(tmp_path)
    assert done.returncode == 0
    report = (tmp_path / "shards" / "report.txt").read_text()
    for said in (done.stdout, report):
        assert "2 photos skipped" in said
        assert "3.png is not an image but an HTML page" in said and "14.png" in said
    assert len(make(tmp_path / "shards").photos("train")) == NUM_TRAIN - 1
    again = contents(tmp_path / "shards")
    assert (
        pack(tmp_path).stdout.splitlines()[1:] == done.stdout.splitlines()[1:]
    )  # nothing is forgotten when all is there
    assert contents(tmp_path / "shards") == again


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from tasks.geolocation.shards import making as make_shards
from tools.make_shards import main

look, calls = make_shards._encoded, []

def encoded(path, side):
    calls.append(path)
    if len(calls) == {count}:
        os.kill(os.getpid(), signal.SIGKILL)
    return look(path, side)

make_shards._encoded = encoded
main()
"""


@pytest.mark.parametrize("count", [3, 8])
def test_killed_it_goes_on_and_writes_the_same(count: int, tmp_path: Path) -> None:
    """In the first and in the second shard."""
    whole = contents(packed(write_data(tmp_path)))
    script = tmp_path / "killed.py"
    script.write_text(KILLED.format(root=str(ROOT), count=count))
    settings = [f"table={tmp_path / 'photos.csv'}", f"images={tmp_path / 'photos'}"]
    settings += [f"output={tmp_path / 'again'}", f"photos_per_shard={PER_SHARD}"]
    done = subprocess.run([sys.executable, script, *settings], cwd=tmp_path, check=False)
    assert done.returncode == -signal.SIGKILL
    first = tmp_path / "again" / "train-000000.tar"
    written = first.stat().st_ino if first.exists() else None
    assert (written is None) == (count < PER_SHARD)
    with pytest.raises(InputError, match=r"no index\.parquet"):
        make(tmp_path / "again").photos("train")
    assert pack(tmp_path, output="again").returncode == 0
    assert written in (None, first.stat().st_ino)  # what was there is kept
    assert contents(tmp_path / "again") == whole


def test_a_folder_of_other_shards_is_refused(tmp_path: Path) -> None:
    packed(write_data(tmp_path))
    done = pack(tmp_path, "side=20")
    assert done.returncode == 2 and "side: None there, 20 now" in done.stderr
    assert "Traceback" not in done.stderr


def cut(path: Path) -> None:
    os.truncate(path, 600)


def spoil(path: Path) -> None:
    """Changes a byte in the middle of the last photo, and none of the headers."""
    with tarfile.open(path) as tar:
        last = [member for member in tar if not member.name.endswith("json")][-1]
    with path.open("r+b") as file:
        file.seek(last.offset_data + last.size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 255]))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("train-000001.tar", cut, "train-000001.tar is cut short"),
        ("train-000001.tar", spoil, "train-000001.tar is damaged"),
        ("val-000000.tar", Path.unlink, "val-000000.tar cannot be read"),
        ("index.parquet", Path.unlink, "no index.parquet"),
        ("index.parquet", cut, "index.parquet cannot be read"),
        ("index.parquet", empty, "index.parquet cannot be read"),
    ],
)
def test_damage_is_refused(
    name: str, damage: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    shards = packed(write_data(tmp_path))
    whole = contents(shards)
    damage(shards / name)
    settings = ("data.image_size=32", "backbone.width=0.25", "trainer.max_epochs=1")
    settings += ("data.num_workers=0", "data.batch_size=2", "data.max_photos=4", "run_dir=run")
    train = ("train", "task=planet", "data=shards", f"data.root={shards}", *settings)
    done = run_inside(*train, cwd=tmp_path)
    assert done.returncode == 2, done
    assert said in done.stderr and "tools/make_shards.py" in done.stderr
    assert "Traceback" not in done.stderr
    # and what the message advises mends it
    (shards / name).unlink(missing_ok=True)
    assert pack(tmp_path).returncode == 0
    assert contents(shards) == whole


def test_a_damaged_photo_can_be_skipped(tmp_path: Path) -> None:
    shards = packed(write_data(tmp_path))
    spoil(shards / "train-000001.tar")
    data = make(shards, on_bad_image="skip")
    assert len(data.photos("train")) == NUM_TRAIN - 1
    assert any("1 image skipped" in line for line in data.report_lines())
    assert epoch(data) == list(range(NUM_TRAIN - 1))


def test_albums_are_put_together_from_any_shards(tmp_path: Path) -> None:
    data = make(packed(write_data(tmp_path)), album_size=4, max_photos=2)
    samples = [data.train_set[0, number] for number in range(len(data.train_set))]
    assert [len(sample) for sample in samples] == [4, 4, 4]
    assert epoch(data) == [0, 1, 2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["images=nowhere"], "images=nowhere"),
        (["table=nowhere.csv"], "nowhere.csv"),
        (["photos_per_shard=0"], "photos_per_shard=0"),
        (["side=0"], "side=0"),
        (["output=photos.csv"], "output=photos.csv"),
    ],
)
def test_wrong_settings_are_refused(settings: list[str], said: str, tmp_path: Path) -> None:
    done = pack(write_data(tmp_path), *settings)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_small_copies_of_packed_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.cache"):
        make(tmp_path, cache=str(tmp_path))
