"""The commands on photos of every kind: read right, refused by name, or skipped and counted."""

import json
import resource
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.commands import Finished, run_inside
from tests.small_data import TRAIN, evaluate, noise, refuses, write_coco, write_weights

ORIENTATION_TAG = 0x0112
# How each Exif orientation stores an upright picture: the inverse of what its reader has to do.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
ODD = {
    "1x1.png": (1, 1),
    "thin.jpg": (1, 5000),
    "flat.webp": (5000, 1),
    "cmyk.jpg": (80, 60),
    "gray.jpg": (80, 60),
    "sixteen.png": (80, 60),
    "palette.png": (80, 60),
    "animated.gif": (80, 60),
    "animated.png": (80, 60),
    "animated.webp": (80, 60),
}
BAD = {
    "empty.jpg": "is empty",
    "page.jpg": "an HTML page",
    "cut.jpg": "truncated",
    "huge.png": "20000x20000, 400 megapixels",
    "float.tif": "floating-point",
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Two folders: ``odd`` photos that can be read, and ``bad`` ones that cannot."""
    root = tmp_path_factory.mktemp("photos")
    odd, bad = root / "odd", root / "bad"
    odd.mkdir()
    bad.mkdir()
    picture = noise()
    for name in ("1x1.png", "thin.jpg", "flat.webp"):
        noise(*ODD[name]).save(odd / name)
    picture.convert("CMYK").save(odd / "cmyk.jpg")
    picture.convert("L").save(odd / "gray.jpg")
    deep = np.random.default_rng(0).integers(0, 65535, (60, 80), dtype=np.uint16)
    Image.fromarray(deep).save(odd / "sixteen.png")
    picture.quantize(16).save(odd / "palette.png", transparency=3)
    for suffix in ("gif", "png", "webp"):
        frames = [picture.transpose(Image.Transpose.ROTATE_180)]
        picture.save(odd / f"animated.{suffix}", save_all=True, append_images=frames)
    for orientation, transpose in STORED.items():
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
        stored = picture if transpose is None else picture.transpose(transpose)
        stored.save(odd / f"orientation{orientation}.png", exif=exif)
    (odd / "folder.jpg").mkdir()

    (bad / "empty.jpg").touch()
    (bad / "page.jpg").write_text("<!DOCTYPE html><html>Too many downloads</html>")
    picture.save(bad / "cut.jpg")
    (bad / "cut.jpg").write_bytes((bad / "cut.jpg").read_bytes()[:-20])
    write_huge_png(bad / "huge.png")
    Image.fromarray(np.ones((9, 9), np.float32)).save(bad / "float.tif")
    return root


def write_huge_png(path: Path, side: int = 20_000) -> None:
    """A black square of 400 megapixels and one bit each, written row by row."""
    compressor = zlib.compressobj(1)
    row = bytes(1 + side // 8)
    data = b"".join(compressor.compress(row) for _ in range(side)) + compressor.flush()
    header = side.to_bytes(4, "big") * 2 + b"\x01\0\0\0\0"
    content = b"\x89PNG\r\n\x1a\n"
    for kind, chunk in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
        checksum = zlib.crc32(kind + chunk).to_bytes(4, "big")
        content += len(chunk).to_bytes(4, "big") + kind + chunk + checksum
    path.write_bytes(content)


def predict(weights: Path, photos: Path, *settings: str, cwd: Path) -> Finished:
    return run_inside(
        *("predict", "task=ssd_coco", f"init={weights}", f"input={photos}", "output=found"),
        *("data.num_workers=0", *settings),
        cwd=cwd,
    )


def entries(folder: Path) -> dict[str, Any]:
    """What was predicted, by the photo's name."""
    rows = json.loads((folder / "found" / "predictions.json").read_text())
    return {Path(row["file"]).name: row for row in rows}


@pytest.fixture(scope="module")
def found(weights: Path, photos: Path, tmp_path_factory) -> Path:
    """Where the predictions on the odd photos are."""
    cwd = tmp_path_factory.mktemp("predict")
    done = predict(weights, photos / "odd", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd


def test_odd_photos_are_predicted_on_and_drawn(found: Path):
    sizes = {name: (row["width"], row["height"]) for name, row in entries(found).items()}
    upright = {f"orientation{number}.png": (80, 60) for number in STORED}
    assert sizes == ODD | upright
    drawn = list((found / "found" / "pictures").glob("*.jpg"))
    assert len(drawn) == len(sizes)
    assert all(path.stat().st_size > 0 for path in drawn)


@pytest.mark.parametrize("orientation", STORED)
def test_predictions_are_the_same_in_every_orientation(orientation: int, found: Path):
    rows = entries(found)
    detections = rows[f"orientation{orientation}.png"]["detections"]
    assert detections
    assert detections == rows["orientation1.png"]["detections"]


def test_an_animation_counts_by_its_first_frame(found: Path):
    rows = entries(found)
    assert rows["animated.png"]["detections"] == rows["orientation1.png"]["detections"]


def test_predict_does_the_good_photos_and_names_the_bad(weights: Path, photos: Path, tmp_path):
    noise().save(photos / "bad" / "good.png")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = predict(weights, photos / "bad", cwd=tmp_path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    (photos / "bad" / "good.png").unlink()
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "5 of 6 photos could not be read; the others are done" in done.stderr
    for name, problem in BAD.items():
        lines = [line for line in done.stderr.splitlines() if name in line]
        assert len(lines) == 1 and problem in lines[0]
    assert entries(tmp_path).keys() == {"good.png"}
    assert grown < 300 * 1024  # kilobytes; decoded, the huge one is over a gigabyte


def test_predict_skips_and_counts(weights: Path, photos: Path, tmp_path: Path):
    done = predict(weights, photos / "bad", "data.on_bad_image=skip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("1 photo skipped") == len(BAD)
    report = (tmp_path / "found" / "report.txt").read_text()
    assert all(name in report for name in BAD)
    assert entries(tmp_path) == {}


def test_predict_names_what_is_not_there(weights: Path, photos: Path, tmp_path: Path):
    (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
    for path in (tmp_path / "missing.jpg", tmp_path / "dangling.jpg", tmp_path / "*.png"):
        refuses(predict(weights, path, cwd=tmp_path), path, folder=tmp_path)
    folder = photos / "odd" / "folder.jpg"
    refuses(predict(weights, folder, cwd=tmp_path), folder, "No images", folder=tmp_path)


@pytest.mark.parametrize("name", [*BAD, "missing.jpg", "folder.jpg"])
def test_eval_refuses_or_skips_and_counts(name: str, weights: Path, photos: Path, tmp_path: Path):
    root = write_coco(tmp_path / "coco")
    place_in(root / "val" / "0.jpg", photos / "bad" / name)
    done = evaluate(weights, root, cwd=tmp_path)
    problem = BAD.get(name, "0.jpg")
    # the beginning and the end of a TIFF do not tell
    if name != "float.tif":
        refuses(done, "image 7", root / "val" / "0.jpg", problem, folder=tmp_path)
        assert "data.on_bad_image=skip" in done.stderr
    done = evaluate(weights, root, "data.on_bad_image=skip", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 image skipped" in done.stdout
    report = (tmp_path / "run" / "report.txt").read_text()
    assert "1 image skipped: image 7" in report and problem in report


def place_in(path: Path, source: Path) -> None:
    """Puts a bad photo, a folder or nothing in a photo's place."""
    path.unlink()
    if source.name == "folder.jpg":
        path.mkdir()
    elif source.name != "missing.jpg":
        path.write_bytes(source.read_bytes())


@pytest.mark.parametrize("name", ["cut.jpg", "huge.png"])
def test_train_refuses_or_skips_and_counts(name: str, photos: Path, tmp_path: Path):
    root = write_coco(tmp_path / "coco")
    place_in(root / "train" / "1.jpg", photos / "bad" / name)
    done = run_inside("train", *TRAIN, f"data.root={root}", cwd=tmp_path)
    refuses(done, "image 8", root / "train" / "1.jpg", BAD[name], folder=tmp_path)
    skip = "data.on_bad_image=skip"
    done = run_inside("train", *TRAIN, f"data.root={root}", skip, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 image skipped" in done.stdout
    assert "1 image skipped: image 8" in (tmp_path / "run" / "report.txt").read_text()


def test_nothing_is_left_when_all_photos_are_bad(weights: Path, tmp_path: Path):
    root = write_coco(tmp_path / "coco")
    for path in (root / "val").iterdir():
        path.write_bytes(b"")
    done = evaluate(weights, root, "data.on_bad_image=skip", cwd=tmp_path)
    refuses(done, "all of them", root / "val", folder=tmp_path)
