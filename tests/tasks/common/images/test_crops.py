"""What part of a photo is seen."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.common.data import augmentation
from tasks.common.images.crops import centre_crop, random_crop
from tests.photo_files import write_photos

SIDE = 64


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def test_the_centre_is_the_middle(tmp_path: Path) -> None:
    pixels = np.zeros((256, 512, 3))
    pixels[:, 144:368] = 255  # the 224 columns that a crop of 224 shows
    assert (centre_crop(save(tmp_path / "wide.png", pixels), 224).image == 255).all()


@pytest.mark.parametrize("size", [(300, 200), (70, 90), (256, 256), (31, 200)])
def test_the_centre_is_cut_from_the_photo_resized(tmp_path: Path, size: tuple[int, int]) -> None:
    write_photos(tmp_path, ["photo.png"], size=size)
    scale = SIDE / (224 / 256) / min(size)
    whole = [max(round(length * scale), SIDE) for length in size]
    photo = Image.open(tmp_path / "photo.png").resize(whole, Image.Resampling.BILINEAR)
    left, top = ((length - SIDE) // 2 for length in whole)
    expected = np.array(photo.crop((left, top, left + SIDE, top + SIDE)))
    found = centre_crop(tmp_path / "photo.png", SIDE).image
    assert np.abs(found.astype(int) - expected).max() <= 1  # a sampling place rounds otherwise


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_thin_photos_have_a_centre_and_parts(tmp_path: Path, size: tuple[int, int]) -> None:
    write_photos(tmp_path, ["thin.png"], size=size)
    assert centre_crop(tmp_path / "thin.png", SIDE).image.shape == (SIDE, SIDE, 3)
    part = random_crop(tmp_path / "thin.png", SIDE, min_area=0.1, rng=np.random.default_rng(0))
    assert part.image.shape == (SIDE, SIDE, 3)


def test_random_parts_are_as_large_as_asked(tmp_path: Path) -> None:
    """On a photo whose red rises to the right and whose green rises downwards."""
    ramp = np.arange(200)
    pixels = np.stack(np.broadcast_arrays(ramp[None], ramp[:, None], 0 * ramp), axis=-1)
    path = save(tmp_path / "ramp.png", pixels)
    areas = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        part = random_crop(path, SIDE, min_area=0.5, rng=rng).image.astype(int)
        areas.append(np.ptp(part[..., 0]) * np.ptp(part[..., 1]) / 200**2)
    assert 0.44 < min(areas) < 0.55  # a pixel is lost on each side
    assert max(areas) > 0.85


def test_large_jpegs_may_be_decoded_smaller(tmp_path: Path) -> None:
    write_photos(tmp_path, ["large.jpg"], size=(800, 600))
    part = random_crop(tmp_path / "large.jpg", SIDE, min_area=0.5, rng=np.random.default_rng(0))
    assert part.image.shape == (SIDE, SIDE, 3)


@pytest.mark.parametrize("make", [augmentation.paper, augmentation.modern])
def test_the_generator_decides_everything(tmp_path: Path, make) -> None:
    write_photos(tmp_path, ["photo.png"], size=(90, 90))
    look = make(SIDE)
    seeds = (3, 3, 4)
    first, again, other = (
        look(tmp_path / "photo.png", np.random.default_rng(seed)).image for seed in seeds
    )
    assert first.shape == (SIDE, SIDE, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("size", [(200, 150), (40, 30)], ids=["smaller", "larger"])
def test_parts_are_resized_as_by_pillow(tmp_path: Path, size: tuple[int, int]) -> None:
    """All of the photo is shown, whose shape a part may have."""
    write_photos(tmp_path, ["photo.png"], size=size)
    rng = np.random.default_rng(0)
    part = random_crop(tmp_path / "photo.png", SIDE, min_area=1.0, rng=rng).image
    pixels = np.array(Image.open(tmp_path / "photo.png"))
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(0)
    rng.uniform(1.0, 1)
    aspect = np.exp(rng.uniform(*np.log((3 / 4, 4 / 3))))
    area = np.sqrt(width * height)
    columns, rows = min(round(area * aspect**0.5), width), min(round(area / aspect**0.5), height)
    x, y = rng.integers(width - columns + 1), rng.integers(height - rows + 1)
    shown = Image.fromarray(pixels[y : y + rows, x : x + columns])
    expected = np.array(shown.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    assert np.abs(part.astype(int) - expected).max() <= 1
