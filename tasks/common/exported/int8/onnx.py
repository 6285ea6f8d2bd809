"""Layers in int8 by onnxruntime's tools."""

import tempfile
from pathlib import Path

import numpy as np

from tasks.common.exported.parts import whole_parts

# What is left out, such as decoding, needs the exactness of floats. An activation is
# computed with the layer before it, which may then spend its steps on what the activation leaves.
LAYERS = ("Conv", "Gemm", "Clip", "Relu")


def quantise(file: Path, photos: np.ndarray, *, batch: int) -> None:
    """Brings layers to int8, with steps by output channel and the whole range of each value.

    Args:
        file: Which is replaced.
        photos: To find the ranges on.
        batch: Photos of a call.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photos(CalibrationDataReader):
        def __init__(self) -> None:
            self.parts = iter(whole_parts(photos, size=batch))

        def get_next(self) -> dict[str, np.ndarray] | None:
            part = next(self.parts, None)
            return None if part is None else {"image": part}

    with tempfile.TemporaryDirectory() as folder:
        simplified = Path(folder) / "simplified.onnx"
        quant_pre_process(file, simplified, skip_symbolic_shape=True)
        quantize_static(
            simplified,
            file,
            Photos(),
            op_types_to_quantize=list(LAYERS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
