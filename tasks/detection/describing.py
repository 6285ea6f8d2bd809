"""What a detector's outputs mean, without torch."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backbone.errors import InputError
from tasks.common.images.canvas import Canvas
from tasks.common.images.geometry import boxes_to_photo
from tasks.common.training.described import Arrays, Describer, Run, output_of
from tasks.detection.annotations.outlines import Rle
from tasks.detection.augmentation.recipes import plain
from tasks.detection.drawing import draw_detections
from tasks.detection.photos import PhotoSet
from tasks.detection.scoring.pasting import paste_masks


def detection_rows(
    images: Sequence[int],
    category_ids: Sequence[int],
    boxes: np.ndarray,
    scores: Sequence[float],
    masks: Iterable[Mapping[str, Any]] = (),
) -> list[dict[str, Any]]:
    """A dictionary for each detection, as COCO's result files have it.

    It has ``image_id``, ``category_id``, ``bbox`` (x, y, width, height), ``score`` and, with
    masks, ``segmentation``.

    Args:
        images: The photo of each.
        category_ids: The data set's own.
        boxes: ``xyxy`` pixels of the photos, ``(N, 4)``.
        scores: From 0 to 1.
        masks: As COCO compresses them, as text; none where nothing predicts them.
    """
    sized = boxes.copy()
    sized[:, 2:] -= sized[:, :2]
    keys = ("image_id", "category_id", "bbox", "score")
    columns = zip(images, category_ids, sized.tolist(), scores, strict=True)
    rows = [dict(zip(keys, row, strict=True)) for row in columns]
    for row, mask in zip(rows, masks, strict=False):
        row["segmentation"] = mask
    return rows


def detection_entries(
    rows: Iterable[dict[str, Any]], *, images: Iterable[int], names: Mapping[int, str]
) -> list[dict[str, Any]]:
    """One dictionary a photo: ``detections`` with ``category_id, name, bbox, score``.

    ``bbox`` is ``[x, y, width, height]`` in pixels of the original photo, as COCO has it, and so is
    ``segmentation`` where there are masks.

    Args:
        rows: Of ``detection_rows``.
        images: All photos that were looked at.
        names: Of the classes, by their ids.
    """
    by_photo: dict[int, list[dict[str, Any]]] = {image: [] for image in images}
    for row in rows:
        named = {"category_id": row["category_id"], "name": names[row["category_id"]]}
        by_photo[row.pop("image_id")].append(named | row)
    return [{"detections": detections} for detections in by_photo.values()]


def text_of(mask: Rle) -> dict[str, Any]:
    """A mask with ``counts`` as text, fit for JSON."""
    return {**mask, "counts": mask["counts"].decode("ascii")}


class DetectionDescriber(Describer):
    """Says what is where in each photo."""

    legend = (
        "The objects that were found, and how sure the network is of each; a colour for each class."
    )

    def predict_set(self, paths: Sequence[Path]) -> PhotoSet:
        return PhotoSet(paths, plain(self.image_size))

    def entries(self, run: Run, batch: Arrays) -> list[dict[str, Any]]:
        found = run(batch["image"])
        boxes, scores, labels, counts = (
            output_of(found, name) for name in ("boxes", "scores", "labels", "counts")
        )
        is_found = np.arange(scores.shape[1]) < counts[:, None]
        place = is_found.nonzero()[0]
        ids = np.array(self.label_map.ids)
        label = self.checked(labels[is_found])
        original = boxes_to_photo(boxes[is_found] * self.image_size, batch["frame"][place])
        masks: list[dict[str, Any]] = []
        if "masks" in found:
            pasted = paste_masks(found["masks"][is_found], original, batch["size"][place])
            masks = list(map(text_of, pasted))
        rows = detection_rows(
            place.tolist(), ids[label].tolist(), original, scores[is_found].tolist(), masks
        )
        names = dict(zip(self.label_map.ids, self.label_map.names, strict=True))
        return detection_entries(rows, images=range(len(scores)), names=names)

    def checked(self, labels: np.ndarray) -> np.ndarray:
        """Labels that are all among the classes."""
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.label_map):
            raise InputError(
                f"The file finds things of class {labels.max()}, and its metadata name "
                f"{len(self.label_map)} classes: they do not belong together"
            )
        return labels

    def mark(self, canvas: Canvas, entry: Mapping[str, Any]) -> None:
        draw_detections(canvas, entry["detections"])


describer = DetectionDescriber
