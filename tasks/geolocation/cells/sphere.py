"""Points on the Earth, taken as a sphere: unit vectors, distances and means."""

import sys

import numpy as np
from numpy.typing import ArrayLike

Points = np.ndarray  # float64 ``(..., 2)``: latitude and longitude in degrees
Vectors = np.ndarray  # float64 ``(..., 3)``

RADIANS_PER_DEGREE = np.pi / 180
EARTH_RADIUS_KM = 6371.0088  # mean radius of WGS 84 (IUGG)


def unit_vectors(points: ArrayLike) -> Vectors:
    """Where points lie on a sphere of radius 1; ``z`` points north, ``x`` to (0, 0)."""
    return np.stack(unit_columns(points), axis=-1)


def unit_columns(points: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three coordinates of ``unit_vectors``, an array each."""
    columns = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    radians = np.ascontiguousarray(columns) * RADIANS_PER_DEGREE
    torch = sys.modules.get("torch")
    if torch is None:  # as where a network in a file predicts, on few points
        latitude, longitude = radians
        level = np.cos(latitude)
        return level * np.cos(longitude), level * np.sin(longitude), np.sin(latitude)
    latitude, longitude = torch.from_numpy(radians)  # numpy's sines take ten times as long
    level = latitude.cos()
    x, y, z = level * longitude.cos(), level * longitude.sin(), latitude.sin()
    return x.numpy(), y.numpy(), z.numpy()


def vector_points(vectors: ArrayLike) -> Points:
    """The inverse of ``unit_vectors``, of vectors of any length but 0."""
    x, y, z = np.moveaxis(np.asarray(vectors, np.float64), -1, 0) + 0.0  # no -0, whose angle is 180
    return np.rad2deg(np.stack([np.arctan2(z, np.hypot(x, y)), np.arctan2(y, x)], axis=-1))


def mean_point(points: ArrayLike) -> Points:
    """The middle of points ``(N, 2)`` by their vectors: right across the date line and at poles.

    >>> mean_point([[0.0, 179.0], [0.0, -179.0]]).round(6).tolist()
    [0.0, 180.0]
    """
    return vector_points(unit_vectors(points).sum(axis=-2))


def great_circle_km(points: ArrayLike, others: ArrayLike) -> np.ndarray:
    """Distance over the Earth's surface between points that broadcast against each other.

    Uses the haversine form in float64: the arccosine form loses half of the digits under a
    kilometre, which is the first threshold that is reported.
    """
    (a_latitude, a_longitude), (b_latitude, b_longitude) = (
        np.moveaxis(np.deg2rad(np.asarray(side, np.float64)), -1, 0) for side in (points, others)
    )
    half_chord = np.sqrt(
        np.sin((b_latitude - a_latitude) / 2) ** 2
        + np.cos(a_latitude) * np.cos(b_latitude) * np.sin((b_longitude - a_longitude) / 2) ** 2
    )
    distance: np.ndarray = 2 * EARTH_RADIUS_KM * np.arcsin(np.minimum(half_chord, 1))
    return distance
