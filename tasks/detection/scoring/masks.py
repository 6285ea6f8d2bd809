"""Masks as tensors, which processes can gather."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from tasks.detection.annotations.outlines import Rle


def rles_to_tensors(
    rles: Sequence[Rle], *, device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Masks as the tensors ``masks`` and ``mask_sizes`` of records, which can be gathered."""
    sizes = [(*rle["size"], len(rle["counts"])) for rle in rles]
    joined = np.frombuffer(b"".join(rle["counts"] for rle in rles), np.uint8).copy()
    return {
        "masks": torch.from_numpy(joined).to(device),
        "mask_sizes": torch.tensor(sizes, dtype=torch.long, device=device).reshape(-1, 3),
    }


def rles_from_tensors(masks: Tensor, mask_sizes: Tensor) -> list[Rle]:
    """The way back, with ``counts`` as text, fit for JSON."""
    text = masks.cpu().numpy().tobytes().decode("ascii")
    stops = mask_sizes[:, 2].cumsum(dim=0).tolist()
    return [
        {"size": [height, width], "counts": text[stop - length : stop]}
        for (height, width, length), stop in zip(mask_sizes.tolist(), stops, strict=True)
    ]
