"""Reads the convolutions of a TFLite file, in the order in which they run, as layers of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbone.errors import InputError
from backbone.layers import BATCH_NORM_EPSILON
from backbone.mobilenet import BLOCKS

# Which of a MobileNet's convolutions have a filter for each channel.
MOBILENET_DEPTHWISE = [False, *(flag for _ in BLOCKS for flag in (True, False))]


@dataclass(frozen=True)
class Convolution:
    """One convolution with batch norm folded into it, in torch's layout.

    Attributes:
        weight: Shape ``(out, in / groups, height, width)``, dequantised.
        bias: Shape ``(out,)``.
        depthwise: Whether each channel has a filter of its own.
        source: Index of the tensor it reads, to tell branches apart.
        target: Index of the tensor it writes.
    """

    weight: Tensor
    bias: Tensor
    depthwise: bool
    source: int
    target: int


@dataclass(frozen=True)
class TFLiteModel:
    """The convolutions of a file and the side of the square image it expects."""

    convolutions: list[Convolution]
    image_size: int


def read_tflite(path: Path) -> TFLiteModel:
    """Reads a file; integer weights are turned into the numbers they stand for.

    Raises:
        InputError: If the file is missing or damaged, or the reader is not installed.
    """
    interpreter = _open(path)
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    kinds = {"CONV_2D": False, "DEPTHWISE_CONV_2D": True}
    convolutions = []
    # The interpreter has no public list of operators; its makers' own tools call this one.
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in kinds:
            source, weight, bias = (int(index) for index in operator["inputs"][:3])
            depthwise = kinds[operator["op_name"]]
            # (out, h, w, in), or (1, h, w, out) for depthwise filters
            axes = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
            convolutions.append(
                Convolution(
                    weight=_numbers(interpreter, details[weight]).permute(axes).contiguous(),
                    bias=_numbers(interpreter, details[bias]),
                    depthwise=depthwise,
                    source=source,
                    target=int(operator["outputs"][0]),
                )
            )
    side = int(interpreter.get_input_details()[0]["shape"][1])
    return TFLiteModel(convolutions, side)


def folded_layer(name: str, convolution: Convolution) -> dict[str, Tensor]:
    """A ``ConvNormAct`` whose batch norm does nothing but add the folded bias.

    Right in eval mode only: see ``backbone.batch_norm.unfold``.
    """
    ones = torch.ones_like(convolution.bias)
    return {
        f"{name}.conv.weight": convolution.weight,
        f"{name}.norm.weight": ones,
        f"{name}.norm.bias": convolution.bias,
        f"{name}.norm.running_mean": torch.zeros_like(ones),
        f"{name}.norm.running_var": ones - BATCH_NORM_EPSILON,  # sqrt(var + epsilon) is 1
    }


def mobilenet_tensors(convolutions: Sequence[Convolution]) -> dict[str, Tensor]:
    """Tensors of ``MobileNet`` from its convolutions, whatever follows them."""
    names = ["stem"] + [
        f"blocks.{number}.{part}"
        for number in range(len(BLOCKS))
        for part in ("depthwise", "pointwise")
    ]
    tensors: dict[str, Tensor] = {}
    for name, layer in zip(names, convolutions, strict=False):
        tensors |= folded_layer(name, layer)
    return tensors


def _open(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise InputError(
            "Reading TFLite files needs ai-edge-litert: pip install -e '.[import]'"
        ) from error
    try:
        interpreter = Interpreter(
            str(path),
            # a delegate would replace the operators we want to see
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: not a TFLite model that runs ({error})") from error
    return interpreter


def _numbers(interpreter: Any, tensor: dict[str, Any]) -> Tensor:
    values = interpreter.get_tensor(tensor["index"])
    scales = tensor["quantization_parameters"]["scales"]
    if len(scales):
        shape = [1] * values.ndim
        shape[tensor["quantization_parameters"]["quantized_dimension"]] = -1
        zeros = tensor["quantization_parameters"]["zero_points"]
        values = (values.astype(np.float64) - zeros.reshape(shape)) * scales.reshape(shape)
    return torch.from_numpy(values.astype(np.float32))
