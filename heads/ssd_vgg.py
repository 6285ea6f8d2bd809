"""SSD's own head for VGG16 (Liu et al. 2016, section 3)."""

from itertools import pairwise

from backbone.errors import InputError
from heads.anchors import Shape, anchor_shapes
from heads.ssd import SSDHead

# Aspect ratios of each map's anchors, besides the squares: the finest and the two coarsest maps do
# without the extreme ones.
RATIOS = ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,))


class SSDVGGHead(SSDHead):
    """Detects objects in one pass over VGG16's conv4_3 and fc7 and four extra maps.

    It differs from ``SSDHead`` in its 3x3 predictors, wider extra layers, and anchors: squares on
    every map, of half the lowest scale on the first.
    """

    name = "ssd_vgg"
    predictor_size = 3
    extra_shares = (1 / 2, 1 / 4, 1 / 4, 1 / 4)

    def make_anchor_shapes(
        self, num_maps: int, *, min_scale: float, max_scale: float
    ) -> list[list[Shape]]:
        if num_maps != len(RATIOS):
            raise InputError("head=ssd_vgg takes two features, such as head.features=[c3,c5]")
        step = (max_scale - min_scale) / (num_maps - 2)
        scales = [min_scale / 2, *(min_scale + step * number for number in range(num_maps))]
        return [
            anchor_shapes(scale, next_scale, ratios=ratios)
            for (scale, next_scale), ratios in zip(pairwise(scales), RATIOS, strict=True)
        ]
