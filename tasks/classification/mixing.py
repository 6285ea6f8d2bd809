"""Two photos in one, and targets that say how much of each."""

from typing import Any

import torch

from backbone.errors import check_number
from heads.head import Batch


class Mixing:
    """Blends photos (mixup) or pastes a part of one into another (cutmix).

    Mixed on the device from torch's generator, whose state checkpoints hold.

    Args:
        mixup_alpha: Of the beta distribution of shares (Zhang et al. 2018); small values leave
            most photos nearly as they are.
        cutmix_alpha: Of the areas (Yun et al. 2019).
        chance: Of a batch to be mixed, one way or the other.
    """

    def __init__(self, *, mixup_alpha: float, cutmix_alpha: float, chance: float = 1.0) -> None:
        check_number("task.mixing.mixup_alpha", mixup_alpha, above=0)
        check_number("task.mixing.cutmix_alpha", cutmix_alpha, above=0)
        check_number("task.mixing.chance", chance, at_least=0, at_most=1)
        self.mixup_alpha = mixup_alpha
        self.cutmix_alpha = cutmix_alpha
        self.chance = chance

    def __call__(self, batch: Batch, *, num_classes: int) -> dict[str, Any]:
        """A batch whose ``target`` are probabilities, ``(B, num_classes)``, if it was mixed."""
        if torch.rand(()) >= self.chance:
            return dict(batch)
        from torchvision.transforms import v2  # a second that predictions are spared

        mixes = (
            v2.MixUp(alpha=self.mixup_alpha, num_classes=num_classes),
            v2.CutMix(alpha=self.cutmix_alpha, num_classes=num_classes),
        )
        mix = mixes[int(torch.randint(2, ()))]
        image, target = mix(batch["image"].float(), batch["target"])
        return {**batch, "image": image, "target": target}
