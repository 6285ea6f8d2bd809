"""Distances against geographiclib on a sphere, and means where longitudes jump."""

import numpy as np
from geographiclib.geodesic import Geodesic

from tasks.geolocation.cells.sphere import (
    EARTH_RADIUS_KM,
    great_circle_km,
    mean_point,
    unit_vectors,
    vector_points,
)


def test_distances_agree_to_a_millionth() -> None:
    rng = np.random.default_rng(0)
    far = rng.uniform((-90, -180), (90, 180), (500, 2, 2))
    near = far[:, :1] * 0.9 + rng.normal(0, 1e-3, (500, 2, 2))
    sphere = Geodesic(EARTH_RADIUS_KM * 1000, 0)
    for pairs in (far, near):
        wanted = [sphere.Inverse(*a, *b)["s12"] / 1000 for a, b in pairs.tolist()]
        np.testing.assert_allclose(great_circle_km(pairs[:, 0], pairs[:, 1]), wanted, rtol=1e-6)


def test_named_distances() -> None:
    half = np.pi * EARTH_RADIUS_KM
    assert great_circle_km((10, 20), (10, 20)) == 0
    np.testing.assert_allclose(great_circle_km((90, 0), (-90, 77)), half)
    np.testing.assert_allclose(great_circle_km((0, 179.5), (0, -179.5)), half / 180)


def test_means_across_the_date_line_and_at_the_pole() -> None:
    np.testing.assert_allclose(np.abs(mean_point([[10, 179], [10, -179]])[1]), 180)
    assert mean_point([[89, 0], [89, 90], [89, 180], [89, -90]])[0] > 89.999
    points = np.array([[12.0, 34.0], [-56.0, -78.0]])
    np.testing.assert_allclose(vector_points(unit_vectors(points)), points)
