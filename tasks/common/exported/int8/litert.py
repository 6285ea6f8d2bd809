"""Layers in int8 by Google's quantiser."""

from pathlib import Path

import numpy as np

from tasks.common.exported.parts import whole_parts

# What is left out, such as decoding, needs the exactness of floats.
LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "PAD")


def quantise(file: Path, photos: np.ndarray, *, batch: int) -> None:
    """Brings layers to int8, with steps by output channel and the whole range of each value.

    Args:
        file: Which is replaced.
        photos: To find the ranges on.
        batch: Photos of a call.
    """
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe_manager
    from ai_edge_quantizer.utils import qsv_utils

    recipe = recipe_manager.RecipeManager()
    for operation in LAYERS:
        recipe.add_static_config(
            regex=".*",
            operation_name=qtyping.TFLOperationName[operation],
            activation_num_bits=8,
            weight_num_bits=8,
        )
    [(signature, details)] = Interpreter(str(file)).get_signature_list().items()
    [image] = details["inputs"]
    parts = whole_parts(photos, size=batch)
    # by itself the quantiser takes moving averages of the ranges, which cut off what is rare
    ranges = calibrator.Calibrator(str(file), qsv_update_func=qsv_utils.min_max_update)
    ranges.calibrate({signature: [{image: part} for part in parts]}, recipe)
    chosen = quantizer.Quantizer(str(file), recipe.get_quantization_recipe())
    small = chosen.quantize(ranges.get_model_qsvs(), enable_progress_report=False)
    small.export_model(str(file), overwrite=True)
