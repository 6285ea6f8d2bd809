"""Writes TFLite files of convolutions: there is no other way to one without TensorFlow."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from torch import Tensor

TYPES = {
    np.float32: schema.TensorType.FLOAT32,
    np.int32: schema.TensorType.INT32,
    np.uint8: schema.TensorType.UINT8,
    np.int8: schema.TensorType.INT8,
}
# What an activation's integers stand for: 0 to 6 after ReLU6, and -1 to 1 in an image.
SIX = 6 / 255
IMAGE = 1 / 127.5


@dataclass
class TFLiteFile:
    """A network under construction; tensors are named by their index.

    Args:
        side: Of the square image it takes.
        kind: ``np.float32``; ``np.uint8``, one scale a tensor, as Google's released files;
            ``np.int8``, one scale a channel, as today's converter.
    """

    side: int
    kind: Any = np.float32
    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    operators: list[Any] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        zero = {np.uint8: 128, np.int8: 0}.get(self.kind, 0)
        self.image = self._tensor((1, self.side, self.side, 3), self.kind, [IMAGE], [zero])

    def conv(
        self, source: int, weight: Tensor, bias: Tensor | None, *, stride: int = 1,
        depthwise: bool = False, relu6: bool = True,
    ) -> int:  # fmt: skip
        """Adds a convolution with torch's weights and SAME padding, and returns its output."""
        filters = weight.permute((1, 2, 3, 0) if depthwise else (0, 2, 3, 1)).numpy()
        integers, scales, zeros = quantised(filters, self.kind, channel_axis=3 if depthwise else 0)
        axis = 3 if depthwise else 0
        inputs = [source, self._tensor(integers.shape, self.kind, scales, zeros, integers, axis)]
        if bias is not None:
            inputs.append(self._bias(bias.numpy(), source, scales))
        shape = self.tensors[source].shape
        sides = [-(-side // stride) for side in shape[1:3]]
        lowest = -128 if self.kind is np.int8 else 0
        output = self._tensor((1, *sides, len(weight)), self.kind, [SIX], [lowest])
        operator = schema.OperatorT()
        operator.opcodeIndex = int(depthwise)
        operator.inputs, operator.outputs = inputs, [output]
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.strideW = options.strideH = stride
        options.dilationWFactor = options.dilationHFactor = 1
        options.padding = schema.Padding.SAME
        options.fusedActivationFunction = 3 if relu6 else 0
        if depthwise:
            options.depthMultiplier = 1
        operator.builtinOptionsType = 2 if depthwise else 1  # that union's numbers
        operator.builtinOptions = options
        self.operators.append(operator)
        return output

    def _bias(self, bias: np.ndarray, source: int, scales: Any) -> int:
        if self.kind is np.float32:
            return self._tensor(bias.shape, np.float32, None, None, bias)
        scales = np.asarray(scales) * self.tensors[source].quantization.scale[0]
        integers = np.round(bias / scales).astype(np.int32)
        return self._tensor(bias.shape, np.int32, scales, [0] * len(scales), integers)

    def _tensor(
        self, shape: Any, kind: Any, scales: Any, zeros: Any, values: Any = None, axis: int = 0
    ) -> int:
        tensor = schema.TensorT()
        tensor.name = f"tensor {len(self.tensors)}"
        tensor.shape, tensor.type, tensor.buffer = list(shape), TYPES[kind], 0
        if kind is not np.float32:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.asarray(scales, np.float32)
            tensor.quantization.zeroPoint = np.asarray(zeros, np.int64)
            tensor.quantization.quantizedDimension = axis
        if values is not None:
            tensor.buffer = len(self.buffers)
            self.buffers.append(schema.BufferT())
            self.buffers[-1].data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def save(self, path: Path) -> Path:
        graph, model = schema.SubGraphT(), schema.ModelT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs = [self.image]
        graph.outputs = self.outputs or [self.operators[-1].outputs[0]]
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for code in (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D):
            model.operatorCodes.append(schema.OperatorCodeT())
            model.operatorCodes[-1].builtinCode = code
            model.operatorCodes[-1].deprecatedBuiltinCode = code
        builder = flatbuffers.Builder()
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(builder.Output())
        return path


def quantised(values: np.ndarray, kind: Any, *, channel_axis: int) -> tuple[np.ndarray, Any, Any]:
    """Integers with the scales and zero points that turn them back."""
    if kind is np.float32:
        return values, None, None
    if kind is np.uint8:
        low, high = min(values.min(), 0), max(values.max(), 0)
        scale = (high - low) / 255
        zero = round(-low / scale)
        return np.clip(np.round(values / scale) + zero, 0, 255).astype(np.uint8), [scale], [zero]
    others = tuple(axis for axis in range(4) if axis != channel_axis)
    scales = np.abs(values).max(others, keepdims=True) / 127
    return np.round(values / scales).astype(np.int8), scales.ravel(), [0] * scales.size


def run_interpreter(path: Path, image: Tensor) -> list[Tensor]:
    """The outputs for an image in [-1, 1], ``(1, 3, S, S)``, in the order of the file."""
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    values = image.permute(0, 2, 3, 1).numpy()
    scale, zero = entry["quantization"]
    if scale:
        values = np.round(values / scale + zero)
    interpreter.set_tensor(entry["index"], values.astype(entry["dtype"]))
    interpreter.invoke()
    outputs = []
    for details in interpreter.get_output_details():
        output = interpreter.get_tensor(details["index"]).astype(np.float32)
        scale, zero = details["quantization"]
        output = (output - zero) * scale if scale else output
        outputs.append(torch.from_numpy(output).permute(0, 3, 1, 2))
    return outputs
