"""ONNX, for onnxruntime and whatever else reads it."""

import contextlib
import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.exported.metadata import METADATA_KEY

EXTRA = "onnx"
FILE = "model.onnx"
MAX_BATCH = 1024  # of a file that takes any number; the exporter wants a bound


def write(
    network: Any, folder: Path, *, batch: int | None, names: Mapping[int, str] | None, about: str
) -> Path:
    """Writes ``model.onnx``, with a free number of photos or a fixed one.

    Args:
        network: A ``Deployed``.
        folder: For the file.
        batch: Photos of a call; None for any number.
        names: Classes by their index, for readers that look for ``names``.
        about: The metadata as JSON, which the file has too.
    """
    import onnx
    import torch

    example = network.example(batch or 2)
    number = {0: torch.export.Dim("batch", min=1, max=MAX_BATCH)}
    target = folder / FILE
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # of constants, which are meant as such
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

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name of photos, ``uint8`` of shape ``(B, S, S, 3)``."""
        return dict(zip(self.names, self.session.run(None, {"image": image}), strict=True))
