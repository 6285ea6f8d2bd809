"""OpenVINO, for Intel's and other processors."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.exported.int8.openvino import quantised
from tasks.common.exported.metadata import METADATA_KEY
from tasks.common.exported.parts import in_parts
from tasks.common.exported.quiet import quietly

EXTRA = "openvino"
FILE = "model.xml"  # the weights are in model.bin
NEEDS = ("openvino", "nncf")
PRECISIONS = ("fp32", "int8")
CALL = """
import numpy, openvino
from PIL import Image

image = Image.open("photo.jpg").convert("RGB").resize(({side}, {side}))
exact = {{"INFERENCE_PRECISION_HINT": "f32"}}  # bfloat16 is faster, and off by some hundredths
network = openvino.Core().compile_model("{file}", "CPU", exact)
found = network(numpy.asarray(image)[None])
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
    """Writes ``model.xml`` and ``model.bin``, its weights; see ``Format``."""
    import openvino

    with quietly():
        model = openvino.convert_model(network.program(batch))
        if photos is not None:
            model = quantised(model, photos, batch=batch or 1)
    for tensor, name in zip(model.outputs, network.names, strict=True):
        tensor.get_tensor().set_names({name})
    model.inputs[0].get_tensor().set_names({"image"})
    model.set_rt_info(about, METADATA_KEY)
    if names is not None:
        model.set_rt_info(json.dumps(names), "names")
    target = folder / FILE
    openvino.save_model(model, target, compress_to_fp16=False)
    return target


class Runner:
    """Runs the file by OpenVINO, in float32 whatever the processor would rather take.

    Args:
        folder: With the file.
        threads: Of a call.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        import openvino

        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
        core = openvino.Core()
        model = core.read_model(folder / FILE)
        # by our own metadata: optimising gives an output more names
        about = json.loads(model.get_rt_info(METADATA_KEY).value)
        self.names = [output["name"] for output in about["outputs"]]
        self.network = core.compile_model(model, "CPU", settings)
        number = self.network.inputs[0].get_partial_shape()[0]
        self.batch = number.get_length() if number.is_static else None

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name of photos, ``uint8`` of shape ``(B, S, S, 3)``."""
        return in_parts(self._run, image, size=self.batch)

    def _run(self, image: np.ndarray) -> dict[str, np.ndarray]:
        found = self.network(image)
        return {name: found[place].copy() for place, name in enumerate(self.names)}
