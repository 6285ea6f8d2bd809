"""Other people's weights under our names: MobileNet v1 and VGG16."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from backbone.errors import InputError
from backbone.layers import BATCH_NORM_EPSILON
from backbone.mobilenet import BLOCKS
from backbone.tflite import Convolution
from backbone.vgg import POOLED_SIDE, STAGES, VGG16

TIMM_BATCH_NORM_EPSILON = 1e-5
NUM_CONVOLUTIONS = 1 + 2 * len(BLOCKS)


def folded_layer(name: str, convolution: Convolution) -> dict[str, Tensor]:
    """A ``ConvNormAct`` whose batch norm does nothing but add the folded bias.

    Right in eval mode only: see ``backbone.batch_norm.unfold``.
    """
    ones = torch.ones_like(convolution.bias)
    return {
        f"{name}.conv.weight": convolution.weight,
        f"{name}.norm.weight": ones,
        f"{name}.norm.bias": convolution.bias,
        f"{name}.norm.running_mean": torch.zeros_like(ones),
        f"{name}.norm.running_var": ones - BATCH_NORM_EPSILON,  # sqrt(var + epsilon) is 1
    }


def mobilenet_tensors(convolutions: Sequence[Convolution]) -> dict[str, Tensor]:
    """Tensors of ``MobileNet`` from the first 27 convolutions of a TFLite file.

    Raises:
        InputError: If these are not MobileNet v1's.
    """
    layers = convolutions[:NUM_CONVOLUTIONS]
    depthwise = [False, *(flag for _ in BLOCKS for flag in (True, False))]
    if [layer.depthwise for layer in layers] != depthwise:
        raise InputError(
            "Not a MobileNet v1: one 3x3 convolution and thirteen separable blocks were expected"
        )
    names = ["stem"] + [
        f"blocks.{number}.{part}"
        for number in range(len(BLOCKS))
        for part in ("depthwise", "pointwise")
    ]
    tensors: dict[str, Tensor] = {}
    for name, layer in zip(names, layers, strict=True):
        tensors |= folded_layer(name, layer)
    return tensors


def mobilenet_settings(tensors: Mapping[str, Tensor], *, same_padding: bool) -> dict[str, Any]:
    """Settings of ``MobileNet`` that fit released tensors; all known ones use ReLU6."""
    channels = tensors["blocks.0.pointwise.conv.weight"].shape[0]
    return {"width": channels / BLOCKS[0][0], "same_padding": same_padding, "relu6": True}


def timm_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of ``MobileNet(same_padding=False)`` from timm's ``mobilenetv1_*`` state dict.

    Raises:
        InputError: If a layer is missing, or the file has layers that MobileNet v1 has not.
    """
    # blocks.STAGE.NUMBER: sorted by stage and number they are Table 1's thirteen, in order
    found = [re.match(r"blocks\.(\d+)\.(\d+)\.", str(name)) for name in state]
    places = sorted({tuple(map(int, match.groups())) for match in found if match})
    if len(places) != len(BLOCKS) or "conv_stem.weight" not in state or "conv_head.weight" in state:
        raise InputError(
            "Not a state dict of timm's mobilenetv1_100 or another width of it, nor of "
            "torchvision's vgg16"
        )
    tensors = _timm_layer("stem", state, conv="conv_stem", norm="bn1")
    for number, (stage, index) in enumerate(places):
        theirs, ours = f"blocks.{stage}.{index}", f"blocks.{number}"
        tensors |= _timm_layer(
            f"{ours}.depthwise", state, conv=f"{theirs}.conv_dw", norm=f"{theirs}.bn1"
        )
        tensors |= _timm_layer(
            f"{ours}.pointwise", state, conv=f"{theirs}.conv_pw", norm=f"{theirs}.bn2"
        )
    return tensors


def _timm_layer(
    name: str, state: Mapping[str, Tensor], *, conv: str, norm: str
) -> dict[str, Tensor]:
    values = ("weight", "bias", "running_mean", "running_var")
    missing = [
        name
        for name in (f"{conv}.weight", *(f"{norm}.{value}" for value in values))
        if name not in state
    ]
    if missing:
        raise InputError(f"The state dict of timm's mobilenetv1 lacks {', '.join(missing)}")
    variance = state[f"{norm}.running_var"]
    # timm adds another epsilon to the variance: the scale takes up the difference
    rescale = ((variance + BATCH_NORM_EPSILON) / (variance + TIMM_BATCH_NORM_EPSILON)).sqrt()
    return {
        f"{name}.conv.weight": state[f"{conv}.weight"],
        f"{name}.norm.weight": state[f"{norm}.weight"] * rescale,
        f"{name}.norm.bias": state[f"{norm}.bias"],
        f"{name}.norm.running_mean": state[f"{norm}.running_mean"],
        f"{name}.norm.running_var": variance,
    }


def vgg_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of ``VGG16`` and of ``DeepLabVGG16`` from torchvision's ``vgg16`` state dict.

    The latter's dilated convolutions are every fourth output of the fully connected layers, and of
    the first one every third row and column (SSD, section 3).

    Raises:
        InputError: If a layer is missing, of another shape or not made of numbers.
    """
    sources = _vgg_sources()
    with torch.device("meta"):
        expected = VGG16().state_dict()
    for ours, theirs in sources.items():
        if theirs not in state or state[theirs].shape != expected[ours].shape:
            raise InputError(
                f"Not a state dict of torchvision's vgg16: {theirs} is missing or of another shape"
            )
        if not state[theirs].isfinite().all():
            raise InputError(
                f"{theirs} holds values that are no numbers. torchvision's vgg16_features-*.pth "
                "are not whole, and expect other images; its vgg16-*.pth are needed"
            )
    tensors = {ours: state[theirs] for ours, theirs in sources.items()}
    fc6 = tensors["fc6.weight"].unflatten(1, (-1, POOLED_SIDE, POOLED_SIDE))
    return tensors | {
        "conv6.weight": fc6[::4, :, ::3, ::3],
        "conv6.bias": tensors["fc6.bias"][::4],
        "conv7.weight": tensors["fc7.weight"][::4, ::4, None, None],
        "conv7.bias": tensors["fc7.bias"][::4],
    }


def _vgg_sources() -> dict[str, str]:
    """For each of our tensors torchvision's name."""
    layers = {}
    number = 0
    for stage, widths in enumerate(STAGES):
        for layer in range(len(widths)):
            layers[f"stages.{stage}.{2 * layer}"] = f"features.{number}"
            number += 2  # the activation has a number too
        number += 1  # and so has the pooling
    layers |= {"fc6": "classifier.0", "fc7": "classifier.3"}
    return {
        f"{ours}.{value}": f"{theirs}.{value}"
        for ours, theirs in layers.items()
        for value in ("weight", "bias")
    }
