"""A state dict of timm's mobilenetv1_100, or of another width of it, in one file."""

import re
from collections.abc import Mapping

from torch import Tensor

from backbone.errors import InputError
from backbone.layers import BATCH_NORM_EPSILON
from backbone.mobilenet import BLOCKS, released_settings
from backbone.published import PublishedFiles, published_weights, state_dict_classifier
from backbone.weights import Weights

TIMM_BATCH_NORM_EPSILON = 1e-5
CLASSIFIER = "classifier"
IMAGE_SIZE = 224


def fits(files: PublishedFiles) -> bool:
    """Whether there are the stem and thirteen blocks, and no layer that MobileNet v1 has not."""
    state = files.state
    whole = "conv_stem.weight" in state and "conv_head.weight" not in state
    return whole and len(_places(state)) == len(BLOCKS)


def convert(files: PublishedFiles) -> Weights:
    """The body, and the classifier if there is one.

    Raises:
        InputError: If a layer is incomplete, or there are more or fewer names than classes.
    """
    state = files.state
    body = _body(state)
    return published_weights(
        files,
        backbone={"name": "mobilenet", **released_settings(body, same_padding=False)},
        body=body,
        image_size=IMAGE_SIZE,
        batch_norm_folded=False,
        head=state_dict_classifier(files, CLASSIFIER),
    )


def _places(state: Mapping[str, Tensor]) -> list[tuple[int, ...]]:
    """Stage and number of each block: so sorted they are Table 1's thirteen, in order."""
    found = [re.match(r"blocks\.(\d+)\.(\d+)\.", name) for name in state]
    return sorted({tuple(map(int, match.groups())) for match in found if match})


def _body(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tensors = _layer("stem", state, conv="conv_stem", norm="bn1")
    for number, (stage, index) in enumerate(_places(state)):
        theirs, ours = f"blocks.{stage}.{index}", f"blocks.{number}"
        tensors |= _layer(
            f"{ours}.depthwise", state, conv=f"{theirs}.conv_dw", norm=f"{theirs}.bn1"
        )
        tensors |= _layer(
            f"{ours}.pointwise", state, conv=f"{theirs}.conv_pw", norm=f"{theirs}.bn2"
        )
    return tensors


def _layer(name: str, state: Mapping[str, Tensor], *, conv: str, norm: str) -> dict[str, Tensor]:
    values = ("weight", "bias", "running_mean", "running_var")
    needed = (f"{conv}.weight", *(f"{norm}.{value}" for value in values))
    if missing := [name for name in needed if name not in state]:
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
