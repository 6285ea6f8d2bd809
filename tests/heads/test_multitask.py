"""Several heads give what each gives alone."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from backbone.errors import InputError
from heads.attributes import AttributesHead
from heads.embedding import EmbeddingHead
from heads.head import Head
from heads.multitask import MultitaskHead

CHANNELS = {"c5": 6}
PARTS = {"look": AttributesHead, "face": partial(EmbeddingHead, dimension=3)}


def make(**settings: Any) -> MultitaskHead:
    torch.manual_seed(0)
    arguments = {"num_classes": {"look": 2, "face": 0}, "parts": PARTS}
    weights = {"look": 2.0, "face": 0.5}
    return MultitaskHead(in_channels=CHANNELS, **arguments | {"weights": weights} | settings)


def batch() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Two photos of one part, three of the other."""
    torch.manual_seed(1)
    parts = {
        "look": {"id": torch.arange(2), "target": torch.rand(2, 2)},
        "face": {"id": torch.arange(3), "target": torch.randn(3, 3)},
    }
    return {"c5": torch.randn(5, 6, 4, 4)}, {"image": torch.zeros(5, 3, 8, 8), "parts": parts}


def test_each_part_learns_from_its_share_by_its_weight() -> None:
    head, (features, given) = make(), batch()
    losses = head.loss(features, given)
    look, face = (part for _, part in head.heads())
    expected = {
        "look/attributes": 2
        * look.loss({"c5": features["c5"][:2]}, given["parts"]["look"])["attributes"],
        "face/distillation": 0.5
        * face.loss({"c5": features["c5"][2:]}, given["parts"]["face"])["distillation"],
    }
    torch.testing.assert_close(losses, expected)
    sum(losses.values()).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.parameters())


def test_every_part_predicts_on_all_photos() -> None:
    head, (features, given) = make(), batch()
    found = head.predict(features, given)
    for name, part in head.heads():
        assert torch.equal(found[name], part.predict(features, given))
        assert torch.equal(head.outputs(features)[name], part.outputs(features))


def test_classes_are_chosen_for_each_part() -> None:
    head = make()
    state = head.state_dict()
    kept = head.select_classes(state, {"look": [1, 0], "face": []})
    assert torch.equal(kept["parts.look.linear.bias"], state["parts.look.linear.bias"][[1, 0]])
    assert kept.keys() == state.keys()
    anew = head.select_classes(state, None)
    assert set(anew) == {"parts.face.linear.weight", "parts.face.linear.bias"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"weights": {"look": 1, "face": -0.1}}, r"head\.weights\.face=-0\.1: a number from 0"),
        ({"weights": {"look": 1}}, "lacks face"),
        ({"weights": {"look": 1, "face": 1, "nose": 1}}, r"head\.weights\.nose: .*look, face"),
        ({"num_classes": {"look": 1, "face": 1, "nose": 1}}, r"task\.parts\.nose"),
        (
            {"parts": {**PARTS, "face": partial(EmbeddingHead, dimension=0)}},
            r"head\.parts\.face\.dimension=0",
        ),
    ],
)
def test_wrong_settings_are_refused_by_their_place(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make(**settings)


def test_what_a_part_refuses_in_a_batch_is_named_by_its_place() -> None:
    head, (features, given) = make(), batch()
    given["parts"]["face"]["target"] = torch.randn(3, 4)
    with pytest.raises(InputError, match=r"Give head\.parts\.face\.dimension=4"):
        head.loss(features, given)


def test_the_tail_runs_on_crops_only_where_all_parts_run_it() -> None:
    class Cropping(AttributesHead):
        runs_tail = True

    def runs_tail(*parts: type[Head]) -> bool:
        named = dict(zip(PARTS, parts, strict=True))
        return make(parts=named, num_classes=2).runs_tail

    assert runs_tail(Cropping, Cropping)
    assert not runs_tail(Cropping, AttributesHead)
