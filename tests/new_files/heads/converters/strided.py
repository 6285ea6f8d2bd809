"""A state dict of the strided network, whose layers its makers number: conv1 to conv4."""

from backbone.published import PublishedFiles, published_weights
from backbone.weights import Weights

LAYERS = {"conv1": "layers.c2", "conv2": "layers.c3", "conv3": "layers.c4", "conv4": "layers.c5"}


def fits(files: PublishedFiles) -> bool:
    """Whether these are all layers there are."""
    return {name.rpartition(".")[0] for name in files.state} == LAYERS.keys()


def convert(files: PublishedFiles) -> Weights:
    """The body."""
    parted = {name: name.rpartition(".") for name in files.state}
    body = {
        f"{LAYERS[layer]}.{value}": files.state[name] for name, (layer, _, value) in parted.items()
    }
    return published_weights(
        files,
        backbone={"name": "strided", "channels": len(files.state["conv1.bias"])},
        body=body,
        image_size=32,
        batch_norm_folded=False,
        head=None,
    )
