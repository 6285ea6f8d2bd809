"""ONNX, for onnxruntime and whatever else reads it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.exported.int8.onnx import quantise
from tasks.common.exported.metadata import METADATA_KEY
from tasks.common.exported.parts import in_parts
from tasks.common.exported.quiet import quietly

EXTRA = "onnx"
FILE = "model.onnx"
NEEDS = ("onnx", "onnxscript", "onnxruntime")
PRECISIONS = ("fp32", "int8")
MAX_BATCH = 1024  # of a file that takes any number; the exporter wants a bound
CALL = """
import numpy, onnxruntime
from PIL import Image

image = Image.open("photo.jpg").convert("RGB").resize(({side}, {side}))
session = onnxruntime.InferenceSession("{file}")
found = session.run(None, {{"image": numpy.asarray(image)[None]}})
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
    """Writes ``model.onnx``, with a free number of photos or a fixed one; see ``Format``."""
    import onnx
    import torch

    example = network.example(batch or 2)
    number = {0: torch.export.Dim("batch", min=1, max=MAX_BATCH)}
    target = folder / FILE
    with quietly():
        torch.onnx.export(
            network,
            (example,),
            target,
            dynamo=True,
            input_names=["image"],
            output_names=list(network.names),
            dynamic_shapes=None if batch else (number,),
            external_data=False,
            verbose=False,
        )
        if photos is not None:
            quantise(target, photos, batch=batch or 1)
    model = onnx.load(target)
    properties = {METADATA_KEY: about}
    if names is not None:
        properties["names"] = json.dumps(names)
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, target)
    return target


class Runner:
    """Runs the file by onnxruntime.

    Args:
        folder: With the file.
        threads: Of a call.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            folder / FILE, options, providers=["CPUExecutionProvider"]
        )
        self.names = [output.name for output in self.session.get_outputs()]
        number = self.session.get_inputs()[0].shape[0]
        self.batch = number if isinstance(number, int) else None

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name of photos, ``uint8`` of shape ``(B, S, S, 3)``."""
        return in_parts(self._run, image, size=self.batch)

    def _run(self, image: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(self.names, self.session.run(None, {"image": image}), strict=True))
