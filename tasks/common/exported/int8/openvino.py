"""Layers in int8 by NNCF."""

from typing import Any

import numpy as np

from tasks.common.exported.parts import whole_parts

LAYERS = ("Convolution", "GroupConvolution", "MatMul")


def quantised(model: Any, photos: np.ndarray, *, batch: int) -> Any:
    """A model with its layers in int8, by output channel and the whole range of each value.

    Args:
        model: Of OpenVINO.
        photos: To find the ranges on.
        batch: Photos of a call.
    """
    import nncf

    parts = whole_parts(photos, size=batch)
    quantised: Any = nncf.quantize(
        model,
        nncf.Dataset(list(parts)),
        subset_size=len(parts),
        preset=nncf.QuantizationPreset.MIXED,
        # the rest, such as decoding, needs the exactness of floats
        ignored_scope=nncf.IgnoredScope(names=beside_layers(model), validate=False),
        # biases are corrected already, in the same way for all formats
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True),
    )
    return quantised


def beside_layers(model: Any) -> list[str]:
    """Names of operations that are no layers with weights, nor their biases and activations."""
    operations = model.get_ordered_ops()
    inside = set()
    for operation in operations:
        kind, name = operation.get_type_name(), operation.get_friendly_name()
        sources = [value.get_source_output().get_node() for value in operation.inputs()]
        kinds = [source.get_type_name() for source in sources]
        follows = any(source.get_friendly_name() in inside for source in sources)
        has_weights = "Constant" in kinds[1:]
        of_layer = (kind in LAYERS or (kind == "Add" and follows)) and has_weights
        if (
            kind in ("Constant", "Result", "Parameter")
            or of_layer
            or (kind in ("Clamp", "Relu") and follows)
        ):
            inside.add(name)
    return [
        operation.get_friendly_name()
        for operation in operations
        if operation.get_friendly_name() not in inside
    ]
