"""ExecuTorch, which runs on phones by XNNPACK."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.exported.int8.executorch import quantised
from tasks.common.exported.parts import in_parts
from tasks.common.exported.quiet import quietly

EXTRA = "executorch"
FILE = "model.pte"
NEEDS = ("executorch", "torchao")
PRECISIONS = ("fp32", "int8")
FREE_BATCH = False  # with one, XNNPACK leaves what depends on it to slow operators
HAS_CROPS = False
CALL = """
import numpy, torch
from executorch.runtime import Runtime
from PIL import Image

image = Image.open("photo.jpg").convert("RGB").resize(({side}, {side}))
network = Runtime.get().load_program("{file}").load_method("forward")
found = network.execute((torch.tensor(numpy.asarray(image))[None].contiguous(),))
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
    """Writes ``model.pte`` for a fixed number of photos; see ``Format``."""
    target = folder / FILE
    with quietly():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        program = network.program(batch)
        if photos is not None:
            program = quantised(program, photos, batch=int(batch or 1))
        lowered = to_edge_transform_and_lower(
            program,
            partitioner=[XnnpackPartitioner()],
            constant_methods={"about": about},
        )
        lowered.to_executorch().save(str(target))
    return target


class Runner:
    """Runs the file by ExecuTorch, which takes torch's tensors and knows no number of threads.

    Args:
        folder: With the file.
        threads: Not heeded.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        with quietly():
            from executorch.runtime import Runtime

            program = Runtime.get().load_program(folder / FILE)
            self.method = program.load_method("forward")
        about = json.loads(program.load_method("about").execute(())[0])
        self.names = [output["name"] for output in about["outputs"]]
        self.batch = self.method.metadata.input_tensor_meta(0).sizes()[0]

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """The outputs by name of photos, ``uint8`` of shape ``(B, S, S, 3)``."""
        return in_parts(self._run, image, size=self.batch)

    def _run(self, image: np.ndarray) -> dict[str, np.ndarray]:
        import torch

        # what is not contiguous would be read as if it were
        given = torch.from_numpy(np.ascontiguousarray(image))
        found = self.method.execute((given,))
        # copies: the next call writes to the same memory
        return {name: value.numpy().copy() for name, value in zip(self.names, found, strict=True)}
