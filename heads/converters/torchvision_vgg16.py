"""A state dict of torchvision's vgg16, in one file."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from backbone.errors import InputError
from backbone.published import PublishedFiles, published_weights, state_dict_classifier
from backbone.vgg import POOLED_SIDE, STAGES, VGG16
from backbone.weights import Weights

CLASSIFIER = "classifier.6"
IMAGE_SIZE = 224


def fits(files: PublishedFiles) -> bool:
    """Whether the thirteen convolutions are where vgg16 has them; its siblings have others."""
    found = {name for name in files.state if re.fullmatch(r"features\.\d+\.weight", name)}
    return found == {name for name in _sources().values() if re.match(r"features.*weight", name)}


def convert(files: PublishedFiles) -> Weights:
    """Body and classifier.

    Raises:
        InputError: As ``vgg_tensors``, or if there are more or fewer names than classes.
    """
    state = files.state
    body = vgg_tensors(state)
    return published_weights(
        files,
        backbone={"name": "vgg16"},
        body=body,
        image_size=IMAGE_SIZE,
        batch_norm_folded=False,
        head=state_dict_classifier(files, CLASSIFIER),
    )


def vgg_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of ``VGG16`` and of ``DeepLabVGG16`` from torchvision's ``vgg16`` state dict.

    The latter's dilated convolutions are every fourth output of the fully connected layers, and of
    the first one every third row and column (SSD, section 3).

    Raises:
        InputError: If a layer is missing, of another shape or not made of numbers.
    """
    sources = _sources()
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


def _sources() -> dict[str, str]:
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
