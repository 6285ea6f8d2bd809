"""The anchor boxes of SSD."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

Shape = tuple[float, float]  # width and height as shares of the image's sides


def ssd_anchor_shapes(num_maps: int, *, min_scale: float, max_scale: float) -> list[list[Shape]]:
    """Sizes of the anchors of each feature map, as published for SSD-MobileNet.

    Scales are spread evenly from ``min_scale`` to ``max_scale``. Each map has its scale in the
    ratios 1, 2, 1/2, 3, 1/3 and a square between its scale and the next; the first map has only
    three: a square of half the lowest scale, and the lowest scale in the ratios 2 and 1/2.

    Args:
        num_maps: Feature maps, finest first.
        min_scale: Side of the first map's anchors, as a share of the image's.
        max_scale: The same for the last map.

    >>> [len(shapes) for shapes in ssd_anchor_shapes(6, min_scale=0.2, max_scale=0.95)]
    [3, 6, 6, 6, 6, 6]
    """
    step = (max_scale - min_scale) / max(num_maps - 1, 1)
    scales = [min_scale + step * number for number in range(num_maps)] + [1.0]
    first = [(scales[0] / 2, scales[0] / 2), *(_shape(scales[0], ratio) for ratio in (2, 1 / 2))]
    return [first, *(anchor_shapes(*pair, ratios=(2, 3)) for pair in pairwise(scales[1:]))]


def anchor_shapes(scale: float, next_scale: float, *, ratios: Sequence[float]) -> list[Shape]:
    """Sizes of the anchors of one feature map (SSD, section 2.2).

    Args:
        scale: Of this map; a square of it comes first, then each ratio and its inverse.
        next_scale: Of the next map; a square between the two comes last.
        ratios: Width by height.

    >>> len(anchor_shapes(0.2, 0.35, ratios=(2, 3)))
    6
    """
    sides = [_shape(scale, r) for ratio in ratios for r in (ratio, 1 / ratio)]
    between = math.sqrt(scale * next_scale)
    return [(scale, scale), *sides, (between, between)]


def _shape(scale: float, ratio: float) -> Shape:
    return scale * math.sqrt(ratio), scale / math.sqrt(ratio)


def grid_anchors(map_sizes: Sequence[tuple[int, int]], shapes: Sequence[Sequence[Shape]]) -> Tensor:
    """Places each map's anchors at the centres of its cells.

    Args:
        map_sizes: Height and width of each feature map.
        shapes: Anchor sizes of each map.

    Returns:
        ``cxcywh`` as shares of the image, shape ``(A, 4)``: map by map, row by row, cell by cell,
        in the order of ``shapes``.
    """
    anchors = []
    for (height, width), sizes in zip(map_sizes, shapes, strict=True):
        y = (torch.arange(height) + 0.5) / height
        x = (torch.arange(width) + 0.5) / width
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)  # (height, width, 2)
        centres = grid[:, :, None].expand(-1, -1, len(sizes), -1)
        sides = torch.tensor(sizes).expand(height, width, -1, -1)
        anchors.append(torch.cat([centres, sides], dim=-1).flatten(0, 2))
    return torch.cat(anchors)


def by_anchor(output: Tensor, num_values: int) -> Tensor:
    """A layer's output in the order of ``grid_anchors``.

    ``(B, anchors * values, H, W)`` becomes ``(B, H * W * anchors, values)``.
    """
    return output.permute(0, 2, 3, 1).reshape(output.shape[0], -1, num_values)
