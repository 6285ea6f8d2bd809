"""The transform to the template, and what is shown."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from tasks.common.images.decoding import read_image
from tasks.common.images.geometry import is_mirrored
from tasks.face_embedding.augment import FaceAugmentation, plain
from tasks.face_embedding.face_set import FaceSet
from tasks.face_embedding.faces import FramedFaces
from tasks.faces.alignment import (
    TEMPLATE,
    TEMPLATE_SIDE,
    aligned_frames,
    at_side,
    centre_frame,
    corners,
    show,
    square_of,
)


def umeyama(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity of least squares by singular values (Umeyama 1991), ``(2, 3)``."""
    means = source.mean(0), target.mean(0)
    a, b = source - means[0], target - means[1]
    u, d, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1, np.sign(np.linalg.det(u @ vt))])
    turn = u @ sign @ vt
    scale = np.trace(np.diag(d) @ sign) / a.var(0).sum()
    return np.column_stack([scale * turn, means[1] - scale * turn @ means[0]])


@pytest.mark.parametrize("seed", range(5))
def test_the_transform_is_umeyamas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn = rng.uniform(-1, 1)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = TEMPLATE @ rotation.T * rng.uniform(0.5, 3) + rng.uniform(-50, 50, 2)
    points += rng.normal(0, 2, points.shape)
    there = np.vstack([umeyama(points + 0.5, (TEMPLATE + 0.5) / TEMPLATE_SIDE), [0, 0, 1]])
    np.testing.assert_allclose(aligned_frames(points), np.linalg.inv(there)[:2], atol=1e-9)


def test_points_at_the_template_show_the_picture_itself() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    assert (show(picture, aligned_frames(TEMPLATE), TEMPLATE_SIDE) == picture).all()


def test_no_face_no_frame() -> None:
    assert np.isnan(aligned_frames(np.full((1, 5, 2), np.nan))).all()


def test_a_large_face_is_shrunk_as_torch_shrinks_it() -> None:
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (400, 400, 3), dtype=np.uint8), (0, 0), 6)
    shown = show(picture, centre_frame(400, 400, share=1), 100)
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    other = torch.nn.functional.interpolate(image, (100, 100), mode="area")[0].permute(1, 2, 0)
    assert np.abs(shown.astype(float) - other.numpy()).mean() < 1


def test_a_large_photo_is_decoded_small_and_shows_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (801, 1203, 3), dtype=np.uint8), (0, 0), 12)
    Image.fromarray(picture).save(tmp_path / "a.jpg", quality=95)
    Image.fromarray(picture).save(tmp_path / "a.png")
    frame = centre_frame(1203, 801, share=0.9) + np.array([[30, 80, 0], [-80, 20, 0]])
    faces = [
        FramedFaces(np.array([bytes(tmp_path / f"a.{suffix}")]), frame[None], np.array([-1]))
        for suffix in ("jpg", "png")
    ]
    small, whole = (
        FaceSet(each, plain, side=64, seed=0)[0, 0]["image"].astype(float) for each in faces
    )
    assert read_image(tmp_path / "a.jpg", max_shrink=7.9).pixels.shape == (201, 301, 3)
    assert np.abs(small - whole).mean() < 1.5 < whole.std()


def test_a_face_at_the_border_is_shown_with_black_beyond() -> None:
    frame = centre_frame(50, 50, share=1) + np.array([[0, 0, -25], [0, 0, 0]])
    shown = show(np.full((50, 50, 3), 200, np.uint8), frame, 32)
    assert (shown[:, :14] == 0).all() and (shown[:, 18:] == 200).all()


def test_corners_go_around() -> None:
    square = corners(centre_frame(40, 20, share=0.5)).tolist()
    assert square == [[14.5, 4.5], [24.5, 4.5], [24.5, 14.5], [14.5, 14.5]]


def test_a_picture_leads_back_to_its_square() -> None:
    square = centre_frame(1203, 801, share=0.9) + np.array([[30, 80, 0], [-80, 20, 0]])
    np.testing.assert_allclose(square_of(corners(square)), square)
    np.testing.assert_allclose(corners(at_side(square, 64), 64), corners(square))


def test_a_view_says_whether_it_is_mirrored_and_moves_little(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :32] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    look = FaceAugmentation(colour=0, gray=0, blur=0)(centre_frame(64, 64, share=1), 32)
    views = [look(tmp_path / "a.png", np.random.default_rng(seed)) for seed in range(20)]
    assert {is_mirrored(view.frame) for view in views} == {True, False}
    for view in views:
        left, right = view.image[8:24, 4:10].mean(), view.image[8:24, 22:28].mean()
        assert (left < right) == is_mirrored(view.frame)
    again = look(tmp_path / "a.png", np.random.default_rng(3))
    assert (again.image == views[3].image).all()
