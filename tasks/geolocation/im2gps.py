"""Im2GPS: a photo was taken where the photos were taken that look like it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
import torch
from torch import Tensor

from backbone.errors import InputError, check_number
from heads.head import Batch, Features
from tasks.common.data import augmentation
from tasks.common.data.labels import LabelMap
from tasks.common.data.photo_sets import LabelledSet
from tasks.common.data.samples import Place
from tasks.common.images.canvas import Canvas
from tasks.geolocation.cells.sphere import Points, great_circle_km
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.describing import place_name
from tasks.geolocation.photos import GeoPhotos
from tasks.geolocation.records import CellRecords
from tasks.geolocation.task import PlanetTask

if TYPE_CHECKING:
    from tasks.geolocation.metric import GeolocationMetric


class Im2GPSTask(PlanetTask):
    """Places photos by nearest neighbours in the backbone's pooled features, which are normalised.

    The training photos stand in the place of cells. The head is not used.

    Args:
        neighbours: How many; of several, the location of the one with most others near it is taken
            (as by kernel density in Vo et al. 2017).
        spread_km: Standard deviation of that density.
        **planet: See ``PlanetTask``.

    Raises:
        InputError: If a number is outside its bounds.
    """

    uses_head = False

    def __init__(self, *, neighbours: int, spread_km: float, **planet: Any) -> None:
        super().__init__(**planet)
        check_number("task.neighbours", neighbours, at_least=1, whole=True)
        check_number("task.spread_km", spread_km, above=0)
        self.neighbours = neighbours
        self.spread_km = spread_km
        self.known: GeoPhotos | None = None
        self.index: faiss.IndexFlatIP | None = None  # of the known photos, once they are asked for

    @classmethod
    def head_arguments(cls, label_map: LabelMap) -> dict[str, Any]:
        return {"num_classes": len(label_map)}  # of any weights, cells or not

    def prepare(self, stage: str, data: GeolocationData) -> None:
        if stage != "validate":
            raise InputError(
                "model=im2gps: there is nothing to train and no network to keep; it is "
                "scored by tools/eval.py"
            )
        super().prepare(stage, data)

    def make_metric(self, data: GeolocationData) -> "GeolocationMetric":
        from tasks.geolocation.metric import GeolocationMetric  # and torchmetrics with it

        photos, known = data.photos("val"), data.photos("train")
        self.known, self.loader, self.index = known, data.loader, None
        names = [str(index) for index in range(len(known))]
        return GeolocationMetric(photos, points=known.points, names=names)

    @property
    def points(self) -> Points:
        assert self.known is not None
        return self.known.points

    def _indexed(self) -> faiss.IndexFlatIP:
        """The training photos, looked at as the others are."""
        assert self.known is not None
        shown = LabelledSet(self.known, augmentation.plain, sides=[self.image_size], seed=0)
        places: list[Place] = [(0, index) for index in range(len(self.known))]
        rows = [
            self.signatures(batch["image"].to(self.device)) for batch in self.loader(shown, places)
        ]
        found = np.concatenate(rows)
        faiss.omp_set_num_threads(torch.get_num_threads())
        index = faiss.IndexFlatIP(found.shape[1])
        index.add(found)
        return index

    @torch.no_grad()
    def signatures(self, image: Tensor) -> np.ndarray:
        """What photos are compared by: vectors of length 1, float32 ``(B, C)``."""
        pooled = self.head.pooled(self(image)).float()
        values: np.ndarray = torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()
        return values

    def predictions(self, batch: Batch, features: Features | None = None) -> CellRecords:
        """The training photo that places each photo, as its only cell."""
        if self.index is None:
            self.index = self._indexed()
        count = min(self.neighbours, self.index.ntotal)
        alike, nearest = self.index.search(self.signatures(batch["image"]), count)
        chosen = [densest(self.points[row], spread_km=self.spread_km) for row in nearest]
        rows = np.arange(len(nearest))
        best, likeness = nearest[rows, chosen], alike[rows, chosen]
        cells, scores = torch.from_numpy(best)[:, None], torch.from_numpy(likeness)[:, None]
        return CellRecords(batch["id"], cells.to(self.device), scores.to(self.device))

    def records(self, predictions: CellRecords, batch: Batch) -> CellRecords:
        return predictions

    def entries(self, records: CellRecords) -> list[dict[str, Any]]:
        """The ``location`` of the photo found; no cell."""
        points = self.points[records.cells[:, 0].cpu().numpy()].tolist()
        return [
            {"location": dict(zip(("latitude", "longitude"), point, strict=True))}
            for point in points
        ]

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        """Writes the place on the photo."""
        canvas.write([place_name(**entry["location"])])

    def described(self) -> str:
        return f"{len(self.points)} training photos, {self.neighbours} nearest"


def densest(points: Points, *, spread_km: float) -> int:
    """Which of some points has the most others near it, the first of equals.

    >>> densest(np.array([[0.0, 0.0], [50.0, 8.0], [50.1, 8.1]]), spread_km=100)
    1
    """
    distances = great_circle_km(points[:, None], points[None])
    return int(np.exp(-((distances / spread_km) ** 2) / 2).sum(1).round(9).argmax())
