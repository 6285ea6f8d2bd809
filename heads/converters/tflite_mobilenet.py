"""MobileNet v1 of TensorFlow's as .tflite, or several files that continue each other: A,B."""

from backbone.errors import InputError
from backbone.mobilenet import released_settings
from backbone.published import PublishedFiles, classification, published_weights
from backbone.tflite import MOBILENET_DEPTHWISE, mobilenet_tensors
from backbone.weights import Weights

NUM_CONVOLUTIONS = len(MOBILENET_DEPTHWISE)


def fits(files: PublishedFiles) -> bool:
    """Whether the body, or the beginning of one, is all there is but for a classifier."""
    kinds = [layer.depthwise for layer in files.convolutions]
    body = kinds[:NUM_CONVOLUTIONS]
    return bool(body) and body == MOBILENET_DEPTHWISE[: len(body)] and len(kinds) <= len(body) + 1


def convert(files: PublishedFiles) -> Weights:
    """The body, and the classifier without its row 0, which is background.

    Raises:
        InputError: If it is the beginning of a body, or there are more or fewer names than classes.
    """
    layers = files.convolutions
    if len(layers) < NUM_CONVOLUTIONS:
        raise InputError(
            f"{len(layers)} convolutions, but MobileNet v1 has {NUM_CONVOLUTIONS}. "
            "If the network comes in several files, give all: source=FILE,FILE"
        )
    body = mobilenet_tensors(layers)
    head = None
    for layer in layers[NUM_CONVOLUTIONS:]:
        names = None if files.names is None else files.names[1:]
        head = classification(layer.weight.flatten(1)[1:], layer.bias[1:], names)
    return published_weights(
        files,
        backbone={"name": "mobilenet", **released_settings(body, same_padding=True)},
        body=body,
        image_size=files.models[0].image_size,
        batch_norm_folded=True,
        head=head,
    )
