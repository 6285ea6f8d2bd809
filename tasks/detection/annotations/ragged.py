"""Lists of different lengths, end to end in one array."""

import numpy as np


def start_offsets(counts: np.ndarray) -> np.ndarray:
    """Where each list starts, and the last one's end: counts ``(N,)`` to ``(N + 1,)``."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def select_lists(offsets: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Chooses lists by index.

    Args:
        offsets: List ``i`` has the rows ``offsets[i]`` to ``offsets[i + 1]``, int64 ``(N + 1,)``.
        indices: The lists wanted, in this order, int64 ``(n,)``.

    Returns:
        The rows of those lists, and the offsets ``(n + 1,)`` that hold once these are picked out.
    """
    counts = np.diff(offsets)[indices]
    chosen = start_offsets(counts)
    return np.repeat(offsets[indices] - chosen[:-1], counts) + np.arange(chosen[-1]), chosen
