"""Layers in int8 by torchao, as XNNPACK wants it."""

import dataclasses
from typing import Any

import numpy as np

from tasks.common.exported.parts import whole_parts


def quantised(program: Any, photos: np.ndarray, *, batch: int) -> Any:
    """A program with its layers in int8, by output channel and the whole range of each value.

    Args:
        program: As torch exports it.
        photos: To find the ranges on.
        batch: Photos of a call.
    """
    import torch
    from executorch.backends.xnnpack.quantizer import xnnpack_quantizer
    from torchao.quantization.pt2e import (
        MinMaxObserver,
        PerChannelMinMaxObserver,
        quantize_pt2e,
        quantizer,
    )

    aten = torch.ops.aten
    layers = (aten.conv2d.default, aten.conv2d.padding, aten.linear.default)
    relu6 = (aten.hardtanh.default, aten.hardtanh_.default)
    activations = (aten.relu.default, aten.relu_.default, *relu6)
    plain = xnnpack_quantizer.get_symmetric_quantization_config(is_per_channel=True)
    # histograms, its own choice, cut off what is rare
    ranges = MinMaxObserver.with_args(eps=2**-12)
    values = dataclasses.replace(plain.input_activation, observer_or_fake_quant_ctr=ranges)
    # weights of some channels are tiny
    steps = PerChannelMinMaxObserver.with_args(eps=1e-12)
    weights = dataclasses.replace(plain.weight, observer_or_fake_quant_ctr=steps)

    class Layers(quantizer.Quantizer):
        """Convolutions and linear layers, each with the activation after it, ReLU6 too."""

        def annotate(self, model: Any) -> Any:
            for node in model.graph.nodes:
                if node.target in layers:
                    last = node
                    if len(node.users) == 1 and next(iter(node.users)).target in activations:
                        last = next(iter(node.users))
                    given = {node.args[0]: values, node.args[1]: weights}
                    for each in {node, last}:
                        each.meta["quantization_annotation"] = quantizer.QuantizationAnnotation(
                            input_qspec_map=given if each is node else {},
                            output_qspec=values if each is last else None,
                            _annotated=True,
                        )
            return model

        def validate(self, model: Any) -> None:
            """Nothing to ask: XNNPACK has all these layers."""

    model = quantize_pt2e.prepare_pt2e(program.module(), Layers())
    with torch.no_grad():
        for part in whole_parts(photos, size=batch):
            model(torch.from_numpy(part))
    return torch.export.export(quantize_pt2e.convert_pt2e(model), program.example_inputs[0])
