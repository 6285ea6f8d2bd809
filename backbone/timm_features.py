"""Any convolutional network of timm as a backbone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models._features import FeatureListNet
from torch import Tensor, nn

from backbone.backbone import Backbone
from backbone.class_names import NUM_IMAGENET_CLASSES
from backbone.description import UNKNOWN
from backbone.errors import InputError
from backbone.published import PublishedFiles

STRIDES = {"c2": 4, "c3": 8, "c4": 16, "c5": 32}


class TimmFeatures(Backbone):
    """The stages of a network of timm, without its pooling and classes.

    Photos are normalised as its published weights want them.

    Args:
        model: Its name in timm, such as ``mobilenetv3_large_100``.
        pretrained: A file of timm's weights for it, a state dict or safetensors.

    Raises:
        InputError: If timm has no such network, it has no features at strides of 4 to 32 in a row,
            or the file is not of it.
    """

    name = "timm"
    strides = STRIDES
    scale: Tensor
    shift: Tensor

    def __init__(
        self, *, model: str = "mobilenetv3_large_100", pretrained: str | None = None
    ) -> None:
        super().__init__()
        if not timm.is_model(model):
            near = ", ".join(timm.list_models(f"*{model[:6]}*")[:5])
            raise InputError(f"backbone.model={model}: timm has none of that name. Near: {near}")
        network: Any = timm.create_model(model)
        info = {stage["reduction"]: stage for stage in list(network.feature_info)}
        if missing := STRIDES.values() - info.keys():
            raise InputError(
                f"backbone.model={model}: no features at a stride of {min(missing)} pixels, which "
                f"detectors need besides those of {sorted(STRIDES.values())}"
            )
        if pretrained:
            self.trained_on = _load(network, Path(pretrained), model)
        self.settings = {"model": model}
        self.out_channels = {key: info[stride]["num_chs"] for key, stride in STRIDES.items()}
        modules = [info[stride]["module"] for stride in STRIDES.values()]
        flattened = any("." in module for module in modules)
        places = tuple(list(info).index(stride) for stride in STRIDES.values())
        stages = FeatureListNet(network, out_indices=places, flatten_sequential=flattened)
        # a plain dictionary of layers: which of them end a stage, and where the tail begins
        self.layers = nn.ModuleDict(dict(stages.items()))
        ends = [module.replace(".", "_") for module in modules]
        self._ends = dict(zip(ends, STRIDES, strict=True))
        cut = list(self.layers).index(ends[2]) + 1
        self._trunk, self._tail = list(self.layers)[:cut], list(self.layers)[cut:]
        mean, deviation = (torch.tensor(network.default_cfg[key]) for key in ("mean", "std"))
        # from -1..1 to 0..1 to theirs
        self.register_buffer("scale", (0.5 / deviation)[:, None, None], persistent=False)
        self.register_buffer("shift", ((0.5 - mean) / deviation)[:, None, None], persistent=False)

    def trunk(self, image: Tensor) -> dict[str, Tensor]:
        x, features = image * self.scale + self.shift, {}
        for name in self._trunk:
            x = self.layers[name](x)
            if name in self._ends:
                features[self._ends[name]] = x
        return features

    def tail(self, c4: Tensor) -> Tensor:
        for name in self._tail:
            c4 = self.layers[name](c4)
        return c4


def _load(network: Any, path: Path, model: str) -> Sequence[str]:
    """Loads published weights, and says what they were trained on."""
    state = PublishedFiles([path]).state
    if not state:
        raise InputError(f"backbone.pretrained={path}: no state dict, nor a safetensors file")
    own = network.state_dict()
    classes = _classes(network)
    body = {name for name in own if not name.startswith(f"{classes}.")}
    wrong = [name for name in body if name not in state or state[name].shape != own[name].shape]
    if wrong:
        raise InputError(
            f"backbone.pretrained={path} is not of {model}: {len(wrong)} of {len(body)} tensors "
            f"are missing or have other shapes, such as {min(wrong)}"
        )
    network.load_state_dict({name: state[name] for name in body}, strict=False)
    rows = {len(value) for name, value in state.items() if name.startswith(f"{classes}.")}
    return ["imagenet"] if rows == {NUM_IMAGENET_CLASSES} else [UNKNOWN]


def _classes(network: Any) -> str:
    """The name of the layer of classes."""
    named = network.default_cfg["classifier"]
    return str(named if isinstance(named, str) else named[0])
