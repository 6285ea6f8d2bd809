"""How the side of training photos grows over the epochs."""

import pytest

from backbone.errors import InputError
from tasks.common.data.resolution import growing_sides

GROWING = {"start": 96, "full_share": 0.25, "num_epochs": 8}


@pytest.mark.parametrize("image_size", [96, 100, 128, 224, 299])
@pytest.mark.parametrize("num_epochs", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("full_share", [0.01, 0.3, 1])
def test_it_grows_evenly_to_the_full_side(
    image_size: int, num_epochs: int, full_share: float
) -> None:
    sides = growing_sides(image_size, start=96, full_share=full_share, num_epochs=num_epochs)
    assert len(sides) == num_epochs and sides == sorted(sides)
    assert sides.count(image_size) >= max(full_share * num_epochs, 1)
    below = [side for side in sides if side < image_size]
    assert all(side % 32 == 0 for side in below)
    times = [below.count(side) for side in set(below)]
    assert not below or (below[0] == 96 and max(times) - min(times) <= 1)


def test_without_a_start_it_does_not_grow() -> None:
    assert growing_sides(224, start=None, full_share=0.3, num_epochs=-1) == [224]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("start", value) for value in (0, 31, 225, 100.5, "small")),
        *(("full_share", value) for value in (0, 1.5, "half")),
        *(("num_epochs", value) for value in (-1, None, 0)),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"data\.resolution\.{name}={value}"):
        growing_sides(224, **GROWING | {name: value})  # type: ignore[arg-type]
