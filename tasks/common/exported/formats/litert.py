"""LiteRT, once TensorFlow Lite, for phones and small computers."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.exported.int8.litert import quantise
from tasks.common.exported.parts import in_parts
from tasks.common.exported.quiet import quietly

EXTRA = "litert"
FILE = "model.tflite"
NEEDS = ("ai_edge_litert", "litert_torch", "ai_edge_quantizer")
INSTALL = "make litert"  # its converter pins what it can do without
FREE_BATCH = False
PRECISIONS = ("fp32", "int8")
HAS_CROPS = False
ABOUT, LABELS = "metadata.json", "labels.txt"  # inside the file, as in an archive
CALL = """
import numpy
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

image = Image.open("photo.jpg").convert("RGB").resize(({side}, {side}))
network = Interpreter("{file}").get_signature_runner()
found = network(**{{name: numpy.asarray(image)[None] for name in network.get_input_details()}})
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
    """Writes ``model.tflite`` for a fixed number of photos; see ``Format``."""
    target = folder / FILE
    with quietly():
        import litert_torch

        litert_torch.convert(network, (network.example(batch),)).export(str(target))
        if photos is not None:
            quantise(target, photos, batch=int(batch or 1))
    # an archive after its end is where such files have what belongs to them; unzip lists it
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(ABOUT, about)
        if names is not None:
            archive.writestr(LABELS, "".join(f"{name}\n" for name in names.values()))
    return target


class Runner:
    """Runs the file by LiteRT.

    Args:
        folder: With the file.
        threads: Of a call.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        path = folder / FILE
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(ABOUT))
        with quietly():
            from ai_edge_litert.interpreter import Interpreter

            self.interpreter = Interpreter(str(path), num_threads=threads)
            self.run = self.interpreter.get_signature_runner()
        [(self.input, details)] = self.run.get_input_details().items()
        self.batch = int(details["shape"][0])
        self.names = [output["name"] for output in about["outputs"]]

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name of photos, ``uint8`` of shape ``(B, S, S, 3)``."""
        return in_parts(self._run, image, size=self.batch)

    def _run(self, image: np.ndarray) -> dict[str, np.ndarray]:
        found = self.run(**{self.input: image})
        # they are called output_0, output_1 and so on
        return {name: found[f"output_{place}"] for place, name in enumerate(self.names)}
