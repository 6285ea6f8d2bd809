"""Boxes drawn without the Exif rotation: they end where the object is on the upright photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from backbone.errors import InputError
from tasks.common.images.decoding import ORIENTATION_TAG, read_image
from tests.tasks.detection.layout_writers import coco_of
from tests.tasks.detection.scenes import Scene, dump, put
from tests.tasks.detection.test_layouts import folder

WIDTH, HEIGHT = 80, 48
X0, Y0, X1, Y1 = 8, 16, 32, 40
SCENE = Scene("photo", (WIDTH, HEIGHT), (("disc", X0, Y0, X1, Y1),))


def write_photo(path: Path, orientation: int) -> None:
    """A photo that is white where its object is, in the stored pixels."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[Y0:Y1, X0:X1] = 255
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95, exif=exif)


def write_coco(root: Path, orientation: int, *, sizes: bool) -> None:
    for split in ("train", "val"):
        write_photo(root / split / "photo.jpg", orientation)
        content = coco_of([SCENE])
        if not sizes:
            del content["images"][0]["width"]
        dump(root / "annotations" / f"instances_{split}.json", content)


def write_yolo(root: Path, orientation: int) -> None:
    write_photo(root / "photo.jpg", orientation)
    center = ((X0 + X1) / 2 / WIDTH, (Y0 + Y1) / 2 / HEIGHT)
    extent = ((X1 - X0) / WIDTH, (Y1 - Y0) / HEIGHT)
    put(root / "photo.txt", " ".join(map(str, (0, *center, *extent))))
    put(root / "classes.txt", "disc\n")


def white(pixels: np.ndarray) -> list[int]:
    """The extent of what is white."""
    rows, columns = np.nonzero(pixels[..., 0] > 127)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("layout", ["coco", "coco without sizes", "yolo"])
def test_boxes_are_where_the_object_is(layout: str, orientation: int, tmp_path: Path):
    if layout == "yolo":
        write_yolo(tmp_path, orientation)
    else:
        write_coco(tmp_path, orientation, sizes=layout == "coco")
    val_share = 1 if layout == "yolo" else None
    data = folder(tmp_path, exif="ignore", masks=layout == "coco", val_share=val_share)
    found = data.val_annotations
    pixels, size = read_image(found.path(0))
    assert tuple(found.sizes[0]) == size
    np.testing.assert_allclose(found.boxes[0], white(pixels), atol=0.1)
    turned = any("1 photo turned upright" in note for note in found.notes)
    assert turned == (orientation != 1)
    if found.outlines is not None:
        mask = coco_mask.decode(found.rle(0))
        assert white(mask[..., None] * 255) == white(pixels)


def test_the_refusal_names_the_way_out(tmp_path: Path):
    write_coco(tmp_path, 6, sizes=True)
    with pytest.raises(InputError, match=r"without the Exif rotation.*data\.exif=ignore"):
        _ = folder(tmp_path).train_annotations


def test_photos_whose_boxes_were_made_upright_are_left(tmp_path: Path):
    write_photo(tmp_path / "photo.jpg", 6)
    upright = Scene("photo", (HEIGHT, WIDTH), (("disc", 4, 5, 20, 30),))
    dump(tmp_path / "boxes.json", coco_of([upright]))
    found = folder(tmp_path, exif="ignore", val_share=1).val_annotations
    assert found.boxes.tolist() == [[4, 5, 20, 30]] and not found.notes
