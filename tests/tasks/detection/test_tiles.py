"""Photos looked at part by part."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.common.images.geometry import to_photo
from tasks.detection.augmentation import recipes
from tasks.detection.records import DetectionRecords
from tasks.detection.tiles import Tiles, TileSet, collate_tiles, merged, shares
from tests.commands import run_inside
from tests.photo_files import write_photos
from tests.small_data import noise, write_weights


@pytest.mark.parametrize(
    ("size", "side", "overlap", "expected"),
    [
        ((300, 300), 300, 0.2, [[0, 0, 300, 300]]),
        ((100, 50), 300, 0.2, [[0, 0, 100, 50]]),
        ((540, 300), 300, 0.2, [[0, 0, 300, 300], [240, 0, 540, 300]]),
        ((301, 200), 300, 0.2, [[0, 0, 300, 200], [1, 0, 301, 200]]),
        ((400, 400), 200, 0.0, [[0, 0, 200, 200], [200, 0, 400, 200], [0, 200, 200, 400]]),
        ((1, 500), 300, 0.2, [[0, 0, 1, 300], [0, 200, 1, 500]]),
    ],
)
def test_parts_cover_the_photo_evenly(size, side, overlap, expected):
    boxes = Tiles(side, overlap).boxes(*size)
    assert boxes[: len(expected)].tolist() == expected
    seen = np.zeros(size[::-1], bool)
    for left, top, right, bottom in boxes:
        seen[top:bottom, left:right] = True
    assert seen.all()


def test_each_part_leads_back_to_its_photo(tmp_path: Path):
    noise(130, 90).save(tmp_path / "a.png")
    (tmp_path / "b.png").touch()
    tiles = Tiles(60, 0.5)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    shown = TileSet(paths, recipes.plain(32), tiles)
    batch = collate_tiles([shown[0, 0], shown[0, 1]], image_size=32)
    boxes = tiles.boxes(130, 90)
    assert len(batch["image"]) == len(boxes) and batch["tiled"] and len(batch["errors"]) == 1
    corners = np.array([[[0.0, 0.0], [32.0, 32.0]]]).repeat(len(boxes), axis=0)
    back = to_photo(corners, batch["frame"].numpy()).reshape(-1, 4)
    assert np.abs(back - boxes).max() < 0.01
    pixels = np.asarray(Image.open(tmp_path / "a.png"))
    for image, (left, top, right, bottom) in zip(batch["image"], boxes, strict=True):
        part = pixels[top:bottom, left:right].mean((0, 1))
        assert np.abs(image.float().mean((1, 2)).numpy() - part).max() < 6
    assert sum(len(share["image"]) for share in shares(batch)) == len(boxes)


def records(rows: list[tuple[int, list[float], float, int]], images: list[int]) -> DetectionRecords:
    image, boxes, scores, ids = zip(*rows, strict=True) if rows else ((), (), (), ())
    return DetectionRecords(
        images=torch.tensor(images),
        image=torch.tensor(image, dtype=torch.long),
        boxes_original=torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4),
        scores=torch.tensor(scores),
        category_ids=torch.tensor(ids, dtype=torch.long),
    )


def test_what_two_parts_show_is_found_once():
    box, moved, away = [0.0, 0, 10, 10], [1.0, 0, 11, 10], [50.0, 0, 60, 10]
    first = records([(0, box, 0.5, 1), (0, away, 0.4, 1)], [0, 0])
    second = records([(0, moved, 0.9, 1), (0, box, 0.3, 4), (3, box, 0.2, 1)], [0, 3])
    found = merged([first, second, records([], [5])], nms_iou=0.6)
    assert found.images.tolist() == [0, 3, 5]
    rows = [(row["image_id"], row["category_id"], round(row["score"], 1)) for row in found.rows()]
    assert rows == [(0, 1, 0.9), (0, 1, 0.4), (0, 4, 0.3), (3, 1, 0.2)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_weights(tmp_path / "small.safetensors")
    write_photos(tmp_path / "photos", ["a.png", "b.png"], size=(60, 40))
    noise(40, 200).save(tmp_path / "photos" / "tall.png")
    return tmp_path


def found_with(place: Path, *settings: str) -> tuple[list[dict], str]:
    given = ("task=ssd_coco", "init=small.safetensors", "data.num_workers=0", "overwrite=true")
    output = ("input=photos", "output=found", "pictures=null")
    done = run_inside("predict", *given, *output, *settings, cwd=place)
    assert done.returncode == 0, done.stderr
    return json.loads((place / "found/predictions.json").read_text()), done.stdout


def test_a_photo_of_one_part_is_seen_as_a_whole(place: Path):
    whole, said = found_with(place)
    assert "1 photo has a side over 4 times the other" in said and "tile=300" in said
    parts, said = found_with(place, "tile=500")
    assert "tile=" not in said and [entry["file"] for entry in parts] == [
        entry["file"] for entry in whole
    ]
    for one, other in zip(whole, parts, strict=True):
        theirs = [row["bbox"] for row in other["detections"]]
        assert len(theirs) == len(one["detections"]) > 0
        assert np.abs(np.array(theirs) - [row["bbox"] for row in one["detections"]]).max() < 0.1


def test_parts_of_a_tall_photo_are_found_all_over_it(place: Path):
    *_, tall = found_with(place, "tile=40", "overlap=0")[0]
    boxes = np.array([row["bbox"] for row in tall["detections"]])
    assert (boxes[:, 1] + boxes[:, 3]).max() > 170 and boxes[:, 1].min() < 20
    scores = [row["score"] for row in tall["detections"]]
    assert scores == sorted(scores, reverse=True) and boxes[:, 3].max() <= 41


@pytest.mark.parametrize("task", ["imagenet", "mask_rcnn_coco"])
def test_only_boxes_are_looked_for_in_parts(task: str):
    from tasks.common.settings.composing import compose
    from tasks.common.settings.targets import build

    data = build(compose("predict", [f"task={task}", "data.image_size=64"]).data)
    assert not data.has_tiles
    with pytest.raises(Exception, match="tile=300: only detection of boxes"):
        data.tile_loader([], side=300, overlap=0.2)
