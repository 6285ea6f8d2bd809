"""Masks as Label Studio's brush leaves them: pictures of four channels, packed into runs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.common.images.decoding import MAX_PIXELS

CHANNELS, OPACITY = 4, 3  # red, green, blue, and what is painted at all
COUNT_BITS, SIZE_BITS, LENGTH_BITS = 32, 5, 4
NUM_LENGTHS = 4


class _Bits:
    """Whole numbers of any count of bits, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def read(self, count: int) -> int:
        first, end = self.place, self.place + count
        if end > 8 * len(self.data):
            raise ValueError("the runs end too early")
        self.place = end
        last = -(-end // 8)
        window = int.from_bytes(self.data[first // 8 : last])
        return (window >> (8 * last - end)) & ((1 << count) - 1)


def brush_mask(packed: Sequence[int], *, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where something is painted, ``(height, width)``.

    The form is that of the rle-pack library: how many values follow (32 bits), the bits of a value
    (5), the bits of four kinds of lengths (4 each); then runs, of which each says whether its one
    value is repeated (1), which kind of length it has (2), and its length. All but the first are
    less one.

    Args:
        packed: The bytes.
        size: Width and height of the photo.

    Raises:
        ValueError: If they are not of this form, or of a picture of another size.
    """
    width, height = size
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(f"a photo of {width} x {height} pixels")
    bits = _Bits(bytes(packed))
    count = bits.read(COUNT_BITS)
    if count != width * height * CHANNELS:
        raise ValueError(f"{count} values for {width} x {height} pixels of {CHANNELS}")
    value_bits = bits.read(SIZE_BITS) + 1
    lengths = [bits.read(LENGTH_BITS) + 1 for _ in range(NUM_LENGTHS)]
    painted = np.zeros(count, bool)
    start = 0
    while start < count:
        repeated, kind = bits.read(1), bits.read(2)
        stop = start + bits.read(lengths[kind]) + 1
        if stop > count:
            raise ValueError("the runs go on too long")
        if repeated:
            painted[start:stop] = bits.read(value_bits) > 0
        else:
            painted[start:stop] = [bits.read(value_bits) > 0 for _ in range(start, stop)]
        start = stop
    opaque: NDArray[np.bool_] = painted.reshape(height, width, CHANNELS)[..., OPACITY]
    return opaque
