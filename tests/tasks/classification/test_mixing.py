"""Mixed photos have targets that say how much of each they show."""

import pytest
import torch

from backbone.errors import InputError
from tasks.classification.mixing import Mixing

BATCH = {
    "image": torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, 8, 8).clone(),
    "target": torch.arange(4),
    "id": torch.arange(4),
}


@pytest.mark.parametrize("seed", range(6))
def test_shares_of_photos_and_targets_agree(seed: int) -> None:
    """Each photo is of one gray, the number of its class, so the mean tells the mixture."""
    torch.manual_seed(seed)
    mixed = Mixing(mixup_alpha=1.0, cutmix_alpha=1.0)(BATCH, num_classes=4)
    assert mixed["target"].shape == (4, 4)
    torch.testing.assert_close(mixed["target"].sum(1), torch.ones(4))
    expected = mixed["target"] @ torch.arange(4.0)
    torch.testing.assert_close(mixed["image"].mean((1, 2, 3)), expected)
    assert BATCH["image"][1].eq(1).all()  # the batch itself is left alone


def test_a_chance_of_nothing_leaves_the_batch() -> None:
    mixed = Mixing(mixup_alpha=1.0, cutmix_alpha=1.0, chance=0.0)(BATCH, num_classes=4)
    assert mixed["image"] is BATCH["image"] and mixed["target"] is BATCH["target"]


def test_shares_without_a_distribution_are_refused() -> None:
    with pytest.raises(InputError, match="mixup_alpha"):
        Mixing(mixup_alpha=0.0, cutmix_alpha=1.0)
