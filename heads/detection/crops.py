"""Crops of feature maps under boxes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def crop(
    maps: Sequence[Tensor], boxes: Tensor, *, strides: Sequence[int], size: int, samples: int = 1
) -> Tensor:
    """Cuts each box out of a feature map, as a square of bilinear samples.

    With several maps a box is cut out of the one on which its side is about twice ``size``
    (Lin et al. 2017, "Feature Pyramid Networks", equation 1). The values are those of
    torchvision's ``roi_align``. Here all positions of all maps are rows of one table, and a value
    is a weighted sum of rows, which a CPU does several times as fast, bfloat16 and channels last.

    Args:
        maps: Finest first, each of shape ``(B, C, H, W)``.
        boxes: ``xyxy`` pixels of the network input within the maps, shape ``(B, P, 4)``; they get
            no gradient.
        strides: Pixels for each step in a map.
        size: Side of a crop.
        samples: Averaged for each value, along each side.

    Returns:
        Shape ``(B * P, C, size, size)``, channels last in memory.
    """
    table = torch.cat([x.permute(0, 2, 3, 1).flatten(0, 2) for x in maps])
    sides = torch.tensor([x.shape[-2:] for x in maps], device=boxes.device)
    rows, weights = _taps(boxes.detach(), sides, strides=strides, size=size, samples=samples)
    values = F.embedding_bag(rows, table, per_sample_weights=weights.to(table.dtype), mode="sum")
    return values.view(-1, size, size, values.shape[-1]).permute(0, 3, 1, 2)


def crop_fixed(
    maps: Sequence[Tensor], boxes: Tensor, *, strides: Sequence[int], size: int, samples: int = 1
) -> Tensor:
    """The values of ``crop`` by torchvision's operator, which runtimes know; slower here.

    With several maps each box is cut out of all of them, and what is not wanted counts zero.

    Args:
        maps: As in ``crop``, as are the others.
        boxes: Shape ``(B, P, 4)``.
        strides: Pixels for each step in a map.
        size: Side of a crop.
        samples: Averaged for each value, along each side.

    Returns:
        Shape ``(B * P, C, size, size)``.
    """
    from torchvision.ops import roi_align  # a second that predictions are spared

    image = torch.arange(boxes.shape[0], device=boxes.device, dtype=boxes.dtype)
    numbers = image[:, None].expand(boxes.shape[:2]).reshape(-1, 1)
    flat = torch.cat([numbers, boxes.flatten(0, 1)], dim=1)
    cuts = [
        roi_align(x, flat, size, spatial_scale=1 / stride, sampling_ratio=samples, aligned=True)
        for x, stride in zip(maps, strides, strict=True)
    ]
    if len(cuts) == 1:
        return cuts[0]
    level = _best_level(boxes, strides=strides, size=size).reshape(-1, 1, 1, 1)
    chosen = [cut * (level == number).to(cut.dtype) for number, cut in enumerate(cuts)]
    return torch.stack(chosen).sum(0)


def _taps(
    boxes: Tensor, sides: Tensor, *, strides: Sequence[int], size: int, samples: int
) -> tuple[Tensor, Tensor]:
    """Rows of the table and their weights, ``(B * P * size * size, taps)``.

    Args:
        boxes: As in ``crop``.
        sides: Height and width of each map, shape ``(maps, 2)``.
        strides: As in ``crop``, as are the others.
        size: Side of a crop.
        samples: Averaged for each value, along each side.
    """
    level = _best_level(boxes, strides=strides, size=size).flatten()
    image = torch.arange(len(boxes), device=boxes.device).repeat_interleave(boxes.shape[1])
    height, width = sides[level].unbind(-1)
    areas = sides.prod(-1)
    first_row = (areas.cumsum(0) - areas)[level] * len(boxes) + image * height * width

    stride = torch.tensor(strides, device=boxes.device)[level]
    x0, y0, x1, y1 = (boxes.flatten(0, 1) / stride[:, None]).unbind(-1)
    x, x_weight = _linear(x0, x1, width, number=size * samples)
    y, y_weight = _linear(y0, y1, height, number=size * samples)
    rows = _along_rows(first_row[:, None, None] + y * width[:, None, None]) + _along_columns(x)
    weights = _along_rows(y_weight) * _along_columns(x_weight) / samples**2
    return _by_value(rows, samples), _by_value(weights, samples)


def _best_level(boxes: Tensor, *, strides: Sequence[int], size: int) -> Tensor:
    """The map to cut each box out of, of shape ``boxes.shape[:-1]``; ``strides`` double."""
    side = ((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])).sqrt()
    level = (side / (2 * size * strides[0])).log2() + 1e-6  # rounding must not halve a size
    return level.floor().clamp(0, len(strides) - 1).long()


def _linear(low: Tensor, high: Tensor, limit: Tensor, *, number: int) -> tuple[Tensor, Tensor]:
    """The two cells around each of evenly spread points and their weights, ``(N, number, 2)``.

    Cell i is the value at i + 1/2; beyond the outer cells' centres their value goes on.
    """
    steps = (torch.arange(number, device=low.device) + 0.5) / number
    point = low[:, None] + (high - low)[:, None] * steps - 0.5
    point = point.clamp(min=0).minimum((limit - 1)[:, None])
    cell = point.floor()
    cells = torch.stack([cell, (cell + 1).minimum((limit - 1)[:, None])], dim=-1)
    share = point - cell
    return cells.long(), torch.stack([1 - share, share], dim=-1)


def _along_rows(values: Tensor) -> Tensor:
    """``(N, S, 2)`` to ``(N, S, 1, 2, 1)``."""
    return values[:, :, None, :, None]


def _along_columns(values: Tensor) -> Tensor:
    """``(N, S, 2)`` to ``(N, 1, S, 1, 2)``."""
    return values[:, None, :, None, :]


def _by_value(taps: Tensor, samples: int) -> Tensor:
    """``(N, S, S, 2, 2)`` to ``(N * size * size, taps of a value)``."""
    taps = taps.unflatten(2, (-1, samples)).unflatten(1, (-1, samples))
    return taps.transpose(2, 3).flatten(3).flatten(0, 2)
