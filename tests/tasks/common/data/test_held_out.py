import numpy as np
import pytest

from backbone.errors import InputError
from tasks.common.data.held_out import held_out

NAMES = [f"film{number % 40:02}/{number:04}.jpg" for number in range(1000)]


def test_about_the_share_is_held_out_and_stays_so_when_photos_are_added():
    chosen = held_out(NAMES, 0.2)
    assert 160 < chosen.sum() < 240
    more = held_out([*NAMES, *(f"new/{number}.jpg" for number in range(500))], 0.2)
    np.testing.assert_array_equal(more[: len(NAMES)], chosen)


@pytest.mark.parametrize("number", range(2, 40))
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_of_few_photos_about_as_many_are_held_out(number, share):
    chosen = held_out([f"img{index:04}.png" for index in range(number)], share).sum()
    assert max(1, share * number / 2) <= chosen <= max(1, share * number * 1.5)


@pytest.mark.parametrize("group", ["folder", "film[0-9]+", "(film[0-9]+)/.*"])
def test_a_group_stays_together(group):
    chosen = held_out(NAMES, 0.3, group=group)
    films = {name[:6] for name, is_chosen in zip(NAMES, chosen, strict=True) if is_chosen}
    assert 5 < len(films) < 20
    assert chosen.sum() == sum(name[:6] in films for name in NAMES)


def test_both_sides_have_a_photo():
    for share in (0.01, 0.9):
        assert 0 < held_out(["a.jpg", "b.jpg"], share).sum() < 2


@pytest.mark.parametrize(
    ("names", "share", "group", "said"),
    [
        (NAMES, 0, None, "data.val_share=0"),
        (NAMES, 1.0, None, "data.val_share=1.0"),
        (["a.jpg"], 0.2, None, "two photos at least; there is 1"),
        (["x/a.jpg", "x/b.jpg"], 0.2, "folder", "two groups by data.group=folder"),
        (NAMES, 0.2, "film(", "data.group=film( is no regular expression"),
    ],
)
def test_what_cannot_be_split_is_refused(names, share, group, said):
    with pytest.raises(InputError) as refused:
        held_out(names, share, group=group)
    assert said in str(refused.value)
