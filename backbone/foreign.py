"""Files of weights that other frameworks leave, and what to do with them here."""

import re
from pathlib import Path

TAKEN = (
    "The MobileNets of TensorFlow and Keras are published as .tflite and as timm's mobilenetv1_*, "
    "which tools/import_weights.py takes"
)
# What a name ends in, whose it is, and the way from there.
KINDS = (
    (r"\.tflite", "a network of TensorFlow Lite", "A task starts from it with init={path}"),
    (r"\.(h5|hdf5|keras)", "a file with weights of Keras, which are not read", TAKEN),
    (r"\.ckpt(-\d+)?\.(index|meta|data-\d+-of-\d+)|\.pb",
     "a file with weights of TensorFlow, which are not read", TAKEN),
    (r"\.onnx", "an ONNX file", "It can be a teacher, with teacher=onnx teacher.file={path}"),
)  # fmt: skip


def what_else(path: Path) -> str:
    """What a file is, by its name, and what to do with it; nothing of other files.

    >>> print(what_else(Path("a.onnx")))
    a.onnx is an ONNX file. It can be a teacher, with teacher=onnx teacher.file=a.onnx
    >>> what_else(Path("a.ckpt")), what_else(Path("a.safetensors"))
    ('', '')
    """
    for pattern, kind, way_out in KINDS:
        if re.search(f"(?:{pattern})$", path.name.lower()):
            return f"{path} is {kind}. {way_out.format(path=path)}"
    return ""
