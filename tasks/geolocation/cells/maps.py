"""Maps of cells: of a partition, and of how likely each is; as pictures and as web pages."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from backbone.files import replacing
from tasks.geolocation.cells.adaptive import Cells, s2
from tasks.geolocation.cells.sphere import Points, vector_points

OCEAN, LINE, TRUTH, GUESS = (238, 243, 247), (205, 212, 219), (0, 140, 60), (200, 30, 30)
COAST = (120, 130, 140)
# Outlines of countries at 1:110 million, by Natural Earth, which are in the public domain:
# hundredths of degrees of latitude and longitude (N, 2), and where each line ends.
COASTS = Path(__file__).with_name("coasts.npz")
GRID_DEG = (1, 2, 5, 10, 15, 30)  # between the lines of the graticule
MARGIN = 0.15  # of a window's sides, around what is shown
MIN_SPAN_DEG = 2.0
FEW_PIXELS = 4  # of a cell; with fewer it is drawn as a dot


class Window(NamedTuple):
    """The part of the Earth on a map, in degrees; it does not cross the date line."""

    south: float
    west: float
    north: float
    east: float


WORLD = Window(-90.0, -180.0, 90.0, 180.0)


def window_around(points: Points) -> Window:
    """The part of the Earth that shows points, twice as wide as high in degrees; or all of it."""
    (south, west), (north, east) = points.min(axis=0), points.max(axis=0)
    height = max(north - south, (east - west) / 2, MIN_SPAN_DEG) * (1 + 2 * MARGIN)
    latitude, longitude = (south + north) / 2, (west + east) / 2
    window = Window(
        latitude - height / 2, longitude - height, latitude + height / 2, longitude + height
    )
    inside = (
        window.south >= -90 and window.north <= 90 and window.west >= -180 and window.east <= 180
    )
    return window if inside else WORLD


@cache
def coasts() -> tuple[np.ndarray, ...]:
    """Lines along the coasts and borders of the Earth, in degrees, ``(N, 2)`` each."""
    with np.load(COASTS) as stored:
        return tuple(np.split(stored["hundredths"] / 100.0, stored["ends"][:-1]))


class CellMap:
    """Draws cells on an equirectangular map with coasts and a graticule.

    Each pixel is looked up among the cells, which is right at poles and at the date line too.

    Args:
        cells: To draw.
        height: Of the map in pixels; it is twice as wide.
        window: What it shows; None for the part of the Earth that has cells.
    """

    def __init__(self, cells: Cells, *, height: int, window: Window | None = None) -> None:
        self.window = window_around(cells.points) if window is None else window
        self.size = (2 * height, height)
        south, west, north, east = self.window
        rows = north - (np.arange(height) + 0.5) / height * (north - south)
        columns = west + (np.arange(2 * height) + 0.5) / (2 * height) * (east - west)
        grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
        self.cell = cells.holding(s2.leaf_ids(grid.reshape(-1, 2))).reshape(height, -1)
        self.cells = cells

    def draw(self, shares: np.ndarray, *, edges: bool = False) -> np.ndarray:
        """A map of the cells by their shares.

        Args:
            shares: From 0 to 1, ``(C,)``.
            edges: Whether cells are outlined.

        Returns:
            RGB ``(height, 2 * height, 3)``.
        """
        import matplotlib as mpl

        colours = (255 * mpl.colormaps["YlOrRd"](shares)[:, :3]).astype(np.uint8)
        picture = np.full((*self.cell.shape, 3), OCEAN, np.uint8)
        inside = (self.cell >= 0) & (shares[self.cell] > 0)
        picture[inside] = colours[self.cell[inside]]
        self._draw_grid(picture)
        self._draw_coasts(picture)
        if edges:
            border = np.zeros(self.cell.shape, bool)
            border[1:] |= self.cell[1:] != self.cell[:-1]
            border[:, 1:] |= self.cell[:, 1:] != self.cell[:, :-1]
            picture[border] = (120, 60, 60)
        # small ones would be lost among the lines
        pixels = np.bincount(self.cell[self.cell >= 0], minlength=len(shares))
        for index in np.flatnonzero((shares > 0) & (pixels < FEW_PIXELS)):
            place = self.place(self.cells.points[index])
            cv2.circle(picture, place, 1, colours[index].tolist(), -1)
        return picture

    def mark(self, picture: np.ndarray, point: Points, colour: tuple[int, int, int]) -> None:
        """Draws a ring around a point."""
        radius = max(self.size[1] // 30, 3)
        cv2.circle(picture, self.place(point), radius, colour, max(radius // 3, 1), cv2.LINE_AA)

    def place(self, point: Points) -> tuple[int, int]:
        """The column and row of a point."""
        x, y = self._places(point).astype(int).tolist()
        return x, y

    def _places(self, points: Points) -> np.ndarray:
        """Columns and rows of points, ``(..., 2)``, with their fractions."""
        south, west, north, east = self.window
        width, height = self.size
        x = (points[..., 1] - west) / (east - west) * width
        y = (north - points[..., 0]) / (north - south) * height
        return np.stack([x, y], axis=-1)

    def _draw_coasts(self, picture: np.ndarray) -> None:
        lines = [self._places(line).astype(np.int32) for line in coasts()]
        cv2.polylines(picture, lines, False, COAST)

    def _draw_grid(self, picture: np.ndarray) -> None:
        span = self.window.east - self.window.west
        step = next((deg for deg in GRID_DEG if span / deg <= 12), GRID_DEG[-1])
        width, height = self.size
        for longitude in range(-180, 181, step):
            x = self.place(np.array([0, longitude]))[0]
            cv2.line(picture, (x, 0), (x, height), LINE)
        for latitude in range(-90, 91, step):
            y = self.place(np.array([latitude, 0]))[1]
            cv2.line(picture, (0, y), (width, y), LINE)


def write_web_map(path: Path, entry: Mapping[str, Any]) -> None:
    """Writes a page that shows the likeliest cells of a photo on a map to move and zoom.

    The streets and coasts under it come from OpenStreetMap, when the page is opened.

    Args:
        path: Of the page.
        entry: As ``PlanetTask.entries`` has them.
    """
    import folium

    best = (entry["location"]["latitude"], entry["location"]["longitude"])
    page = folium.Map(location=best, zoom_start=4)
    highest = max((cell["score"] for cell in entry["cells"]), default=1.0)
    for cell in entry["cells"]:
        ids = s2.token_ids([cell["name"]])
        corners = [
            vector_points(s2.cell_vectors(ids, at=at))[0].tolist()
            for at in ((0, 0), (0, 1), (1, 1), (1, 0))
        ]
        folium.Polygon(
            corners,
            tooltip=f"{cell['name']}: {cell['score']:.1%}",
            weight=1,
            color="#b33",
            fill=True,
            fill_opacity=0.7 * cell["score"] / highest,
        ).add_to(page)
    folium.Marker(best, tooltip=f"within {entry['location']['radius_km']:.0f} km").add_to(page)
    with replacing(path) as temporary:
        temporary.write_text(page.get_root().render(), encoding="utf-8")
