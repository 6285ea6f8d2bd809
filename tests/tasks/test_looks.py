"""Every way in which a task looks at photos: a point of the photo is where its frame says."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from tasks.common.data import augmentation, photo_sets
from tasks.common.images.geometry import Look, Shown, is_mirrored, to_network, to_photo
from tasks.common.images.small_copies import SmallCopies
from tasks.detection import batches
from tasks.detection.augmentation import recipes
from tasks.detection.bench.made_up import PHOTO_SIZE, random_annotations
from tasks.detection.samples import DetectionSet
from tasks.face_embedding import augment, samples

SIDE = 64
SEEDS = 24
DOT_PX = 9  # deviation of the dot, about one of the network's pixels where all of a photo is shown
CONFIGS = Path(__file__).parents[2] / "configs"
SQUARE = np.array([[280, -110, 240], [110, 280, 50.0]])  # of a face that is turned
See = Callable[[Path, int], Shown]  # what is shown of the photo ``0`` in a folder, by a seed


def whole(make: Callable[[int], Look]) -> See:
    return lambda path, seed: make(SIDE)(path, np.random.default_rng(seed))


def small_copy(path: Path, seed: int) -> Shown:
    copies = SmallCopies(path.parent / "copies", side=2 * SIDE)
    return augmentation.paper(SIDE)(copies.file_for(path), np.random.default_rng(seed))


def face(look_at: augment.LookAtFace) -> See:
    return lambda path, seed: look_at(SQUARE, SIDE)(path, np.random.default_rng(seed))


def scene(recipe: recipes.DetectionAugmentation) -> See:
    # so many that a mosaic hardly shows the first one twice
    photos = random_annotations(4000, num_classes=3, rng=np.random.default_rng(0))

    def see(path: Path, seed: int) -> Shown:
        names = np.full(len(photos), path.with_stem("1").name)
        names[0] = path.name
        listed = replace(photos, folder=path.parent, file_names=names)
        sample = DetectionSet(listed, recipe, seed=seed)[0, 0]
        return Shown(sample["image"], sample["frame"])

    return see


LOOKS: dict[str, See] = {
    "tasks.common.data.augmentation.plain": whole(augmentation.plain),
    "tasks.common.data.augmentation.paper": whole(augmentation.paper),
    "tasks.common.data.augmentation.modern": whole(augmentation.modern),
    "of a small copy": small_copy,
    "tasks.face_embedding.augment.plain": face(augment.plain),
    # fewer pixels, which blur may stand for, do not show where a point is
    "tasks.face_embedding.augment.FaceAugmentation": face(augment.FaceAugmentation(blur=0)),
    "tasks.detection.augmentation.recipes.plain": scene(recipes.plain(SIDE)),
    "tasks.detection.augmentation.recipes.flip": scene(recipes.flip(SIDE)),
    "tasks.detection.augmentation.recipes.paper": scene(recipes.paper(SIDE)),
    "tasks.detection.augmentation.recipes.strong": scene(recipes.strong(SIDE, mosaic=0)),
    "a mosaic": scene(recipes.strong(SIDE, mosaic=1)),
}
each_look = pytest.mark.parametrize("see", LOOKS.values(), ids=LOOKS)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes photos once for all looks."""
    return cache(partial(write_photos, tmp_path_factory.mktemp("photos")))


def write_photos(root: Path, suffix: str, point: tuple[float, float] | None = None) -> Path:
    """A soft background twice; the first of them has a red dot at a point."""
    folder = root / f"{suffix} {point}"
    folder.mkdir()
    coarse = np.random.default_rng(0).uniform(60, 100, (4, 5, 1)).repeat(3, axis=2)
    background = cv2.resize(coarse, PHOTO_SIZE, interpolation=cv2.INTER_CUBIC)
    dotted = background
    if point is not None:
        across, down = (
            np.exp(-np.square(np.arange(length) + 0.5 - middle) / (2 * DOT_PX**2))
            for length, middle in zip(PHOTO_SIZE, point, strict=True)
        )
        dot = np.outer(down, across)[..., None]
        dotted = background + dot * ([255, 0, 0] - background)
    for name, pixels in (("0", dotted), ("1", background)):
        image = Image.fromarray(pixels.astype(np.uint8))
        image.save(folder / f"{name}.{suffix}", quality=95)
    return folder / f"0.{suffix}"


def dot_in(image: np.ndarray, without: np.ndarray) -> np.ndarray | None:
    """Where a dot is in a picture, in pixels, by the same picture without; None if it is not."""
    difference = np.abs(image.astype(float) - without).sum(-1)
    if difference.max() < 100:
        return None
    rows, columns = np.nonzero(difference >= 0.8 * difference.max())
    return np.array([columns.mean(), rows.mean()]) + 0.5


@each_look
@pytest.mark.parametrize("suffix", ["png", "jpg"])  # the latter is decoded at a part of its size
def test_a_point_is_shown_where_its_frame_says(
    see: See, suffix: str, photo: Callable[..., Path]
) -> None:
    misses = []
    for seed in range(SEEDS):
        point = tuple(np.random.default_rng((1, seed)).uniform([200, 120], [440, 360]).tolist())
        shown, without = see(photo(suffix, point), seed), see(photo(suffix), seed)
        assert np.array_equal(shown.frame, without.frame)
        place = to_network(np.array(point), shown.frame)
        back = to_photo(place[None], shown.frame)
        np.testing.assert_allclose(back[0], point)
        found = dot_in(shown.image, without.image)
        if found is not None and ((found > 2) & (found < SIDE - 2)).all():
            misses.append(found - place)
    assert len(misses) > SEEDS / 2  # parts of photos may lack it
    assert np.abs(misses).max() < 1
    assert np.abs(np.mean(misses, axis=0)).max() < 0.2  # no half pixel to one side


@each_look
def test_mirrors_alone_have_a_negative_determinant(
    see: See, photo: Callable[..., Path], request: pytest.FixtureRequest
) -> None:
    signs = {is_mirrored(see(photo("png"), seed).frame) for seed in range(SEEDS)}
    assert signs == ({False} if "plain" in request.node.name else {False, True})


def test_every_recipe_of_the_configs_is_looked_at() -> None:
    text = "\n".join(path.read_text() for path in CONFIGS.rglob("*.yaml"))
    named = set(re.findall(r"augmentation:.*?\s+\{?_target_: ([\w.]+)", text))
    assert named and named <= LOOKS.keys()


@pytest.mark.parametrize(
    "collate",
    [photo_sets.collate, samples.collate, batches.collate],
    ids=["photos", "faces", "scenes"],
)
def test_the_batch_of_every_task_has_frames(collate: Callable[..., dict[str, Any]]) -> None:
    sample: dict[str, Any] = {
        "image": np.zeros((SIDE, SIDE, 3), np.uint8),
        "frame": np.array([[2, 0, 5], [0, 2, 7.5]]),
        "id": 3,
        "mirrored": False,
        "target": np.int64(1),
        "boxes": np.zeros((0, 4), np.float32),
        "labels": np.zeros(0, np.int64),
        "size": (640, 480),
    }
    frames = collate([sample, {"id": 4, "error": "torn"}, sample], image_size=SIDE)["frame"]
    assert frames.dtype == torch.float32  # which every accelerator has
    assert frames.tolist() == [sample["frame"].tolist()] * 2
    assert collate([{"id": 4, "error": "torn"}], image_size=SIDE)["frame"].shape == (0, 2, 3)
