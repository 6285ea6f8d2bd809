"""Figures of how far guesses are from the truth."""

import numpy as np

from tasks.geolocation.cells.sphere import Points, great_circle_km

RADII_KM = (1, 25, 200, 750, 2500)  # street, city, region, country, continent (PlaNet, section 4.1)

MAX_CONSTANTS = 1000  # guesses and photos that the best constant guess is looked for among


def distance_figures(distances_km: np.ndarray) -> dict[str, float]:
    """``within_1km`` and so on, and ``median_km``; of no photos, as if all were antipodes.

    >>> distance_figures(np.array([0.5, 1.0, 30.0, 4000.0]))["within_1km"]
    0.5
    """
    count = max(len(distances_km), 1)
    shares = {f"within_{km}km": int((distances_km <= km).sum()) / count for km in RADII_KM}
    farthest = great_circle_km((90, 0), (-90, 0))
    return shares | {"median_km": float(np.median(distances_km) if len(distances_km) else farthest)}


def constant_figures(guesses: Points, truth: Points) -> dict[str, float]:
    """The best that one guess for all photos can do, another guess for each figure.

    It is chosen in hindsight, so that no constant guess is better; among ``MAX_CONSTANTS`` of the
    guesses and photos, evenly taken, if there are more.
    """
    guesses, truth = (points[:: -(-len(points) // MAX_CONSTANTS)] for points in (guesses, truth))
    rows = [distance_figures(great_circle_km(guess, truth)) for guess in guesses]
    best = {f"within_{km}km": max(row[f"within_{km}km"] for row in rows) for km in RADII_KM}
    return best | {"median_km": min(row["median_km"] for row in rows)}
