"""Core ML, for Apple's systems, where alone it runs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.exported.found import CannotRunError
from tasks.common.exported.metadata import METADATA_KEY
from tasks.common.exported.quiet import quietly

EXTRA = "coreml"
FILE = "model.mlpackage"
NEEDS = ("coremltools",)
FREE_BATCH = False
ONE_PHOTO = True  # which is an image
HAS_CROPS = False
CALL = """
import coremltools
from PIL import Image

image = Image.open("photo.jpg").convert("RGB").resize(({side}, {side}))
found = coremltools.models.MLModel("{file}").predict({{"image": image}})
"""


def write(
    network: Any,
    folder: Path,
    *,
    batch: int | None,
    names: Mapping[int, str] | None,
    about: str,
    photos: np.ndarray | None = None,
) -> Path:
    """Writes ``model.mlpackage``, which takes an image and gives a class; see ``Format``."""
    import torch

    with quietly():
        import coremltools

    class OfImage(torch.nn.Module):
        """Core ML gives the pixels of an image as floats, by channel."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: Any) -> tuple[Any, ...]:
            return tuple(self.network.of_pixels(image).values())

    side = network.image_size
    pixels = torch.zeros(1, 3, side, side)
    chooses = network.names == ("probabilities",) and network.head.name == "classification"
    labels = list((names or {}).values())
    with quietly():
        model = coremltools.convert(
            torch.export.export(OfImage().eval(), (pixels,)).run_decompositions({}),
            inputs=[coremltools.ImageType(name="image", shape=tuple(pixels.shape))],
            outputs=[coremltools.TensorType(name=name) for name in network.names],
            classifier_config=coremltools.ClassifierConfig(labels) if chooses else None,
            minimum_deployment_target=coremltools.target.iOS16,
            # in float16 the places of boxes, numbers up to tens of thousands, would be wrong
            compute_precision=coremltools.precision.FLOAT32,
        )
    model.user_defined_metadata[METADATA_KEY] = about
    if names is not None:
        model.user_defined_metadata["names"] = json.dumps(names)
    target = folder / FILE
    with quietly():
        model.save(str(target))
    return target


class Runner:
    """Says that the file is for apps.

    Args:
        folder: With the file.
        threads: Of a call.

    Raises:
        CannotRunError: In any case.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        raise CannotRunError(
            "Core ML runs in apps on Apple's systems only. To score this network, export it with "
            "format=onnx"
        )

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """Nothing, since none is made."""
        raise AssertionError
