"""Shapes of labelling tools as polygons: ellipses, and boxes that are turned."""

import math
from collections.abc import Sequence

import numpy as np

ELLIPSE_POINTS = 64  # of these, a circle's polygon has all but 0.2% of its area


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> list[float]:
    """``x0, y0, x1, y1 ...`` along an ellipse around a centre."""
    angles = np.linspace(0, 2 * math.pi, ELLIPSE_POINTS, endpoint=False)
    points = np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], axis=1)
    return list(points.ravel().tolist())


def rectangle(x0: float, y0: float, x1: float, y1: float) -> list[float]:
    """``x0, y0, x1, y1 ...`` along a box."""
    return [x0, y0, x1, y0, x1, y1, x0, y1]


def turned(
    points: Sequence[float], angle_deg: float, *, around: tuple[float, float]
) -> list[float]:
    """Points turned clockwise, as a picture is seen, around one."""
    angle = math.radians(angle_deg)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    moved = (np.reshape(points, (-1, 2)) - around) @ turn + around
    return list(moved.ravel().tolist())


def inside(points: Sequence[float], size: tuple[int, int]) -> list[float]:
    """Points moved into a photo of a width and height: corners of turned boxes often leave it."""
    return list(np.clip(np.reshape(points, (-1, 2)), 0, size).ravel().tolist())
