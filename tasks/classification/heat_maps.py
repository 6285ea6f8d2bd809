"""Which part of a photo decided its class: Grad-CAM (Selvaraju et al. 2017)."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from backbone.backbone import Backbone
from heads.classification import ClassificationHead
from heads.head import Features
from tasks.common.images.crops import Box

OPACITY = 0.7  # of the hottest part; the photo shines through


def heat_maps(
    features: Features, classes: Tensor, *, backbone: Backbone, head: ClassificationHead
) -> Tensor:
    """How much each part of an image speaks for a class.

    The gradient goes back to the last feature that is a map, so that one step through the head is
    all it costs: in most networks that is what the head pools. AlexNet's is one vector for the
    whole image, and goes back to the map before it.

    Args:
        features: Of a batch, from the network in evaluation mode, with or without gradients.
        classes: One for each image, ``(B,)``.
        backbone: That the features are from.
        head: That tells the classes apart.

    Returns:
        From 0 to 1, which the hottest part of each image has, ``(B, h, w)``; 0 throughout where
        nothing speaks for the class.
    """
    from captum.attr import LayerGradCam  # takes a second, for pictures that few commands draw

    last = head.feature if head.feature in backbone.strides else "c4"

    def logits(feature: Tensor) -> Tensor:
        pooled = place(feature) if last == head.feature else backbone.tail(place(feature))
        return head.outputs({head.feature: pooled})

    place = nn.Identity()  # what is to be explained must be a layer
    with torch.inference_mode(False):  # in which photos are looked at, and which knows no gradient
        feature = features[last].detach().clone().requires_grad_()
        heat: Tensor = LayerGradCam(logits, place).attribute(
            feature, classes.clone(), relu_attributions=True
        )
    heat = heat.detach().squeeze(1).float()
    return heat / heat.amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(heat.dtype).tiny)


def paint_heat(pixels: np.ndarray, heat_map: Sequence[Sequence[float]], *, box: Box) -> np.ndarray:
    """Lays a heat map over the part of a photo that the network saw.

    Args:
        pixels: RGB, uint8, shape ``(H, W, 3)``; left as it is.
        heat_map: Rows of numbers from 0 to 1.
        box: The part they cover, ``(left, top, right, bottom)`` in pixels of the photo.
    """
    left, top, right, bottom = map(round, box)
    size = max(right - left, 1), max(bottom - top, 1)
    heat = cv2.resize(np.array(heat_map, np.float32), size, interpolation=cv2.INTER_LINEAR)
    # from black over red to yellow: told apart by lightness too, and so by every eye
    colours = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    painted = pixels.copy()
    part = painted[top : top + size[1], left : left + size[0]]
    share = OPACITY * heat[: part.shape[0], : part.shape[1], None]
    part[:] = (1 - share) * part + share * colours[: part.shape[0], : part.shape[1]]
    return painted
