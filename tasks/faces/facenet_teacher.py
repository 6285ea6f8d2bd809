"""FaceNet as facenet-pytorch has it, whose weights the user brings."""

from pathlib import Path
from typing import Any

from torch import Tensor

from backbone.errors import InputError
from backbone.weights import read_tensors
from tasks.common.data.module import DataModule
from tasks.common.distillation.network_teacher import NetworkTeacher
from tasks.common.files.keyed_rows import contents


class FaceNetTeacher(NetworkTeacher):
    """InceptionResnetV1 of facenet-pytorch: 512 numbers for a face of 160 pixels.

    Args:
        file: Its published weights (a state dict), downloaded by the user.
        add_mirror: Add the embedding of the mirrored face.
        trained_on: Name of the data set, such as ``vggface2`` or ``casia-webface``.
        data: Of the student; embeddings know no classes to compare.

    Raises:
        InputError: If the file holds other weights, or facenet-pytorch is missing.
    """

    image_size = 160

    def __init__(self, *, file: str, add_mirror: bool, trained_on: str, data: DataModule) -> None:
        try:
            from facenet_pytorch import InceptionResnetV1
        except ImportError as error:
            raise InputError(
                "teacher=facenet needs facenet-pytorch: pip install -e '.[faces]'"
            ) from error
        self.file = Path(str(file))
        if not self.file.is_file():
            raise InputError(
                f"teacher.file={file}: there is no such file. The weights are published with the "
                "releases of facenet-pytorch (20180402-114759-vggface2.pt)"
            )
        self.add_mirror = add_mirror
        self.trained_on = [trained_on]
        self.network = InceptionResnetV1().eval().requires_grad_(False)
        self._load(read_tensors(self.file))

    def _load(self, tensors: Any) -> None:
        wanted = self.network.state_dict()
        given = tensors if isinstance(tensors, dict) else {}
        fitting = {
            name: given[name]
            for name, value in wanted.items()
            if isinstance(given.get(name), Tensor) and given[name].shape == value.shape
        }
        if missing := wanted.keys() - fitting.keys():
            raise InputError(
                f"teacher.file={self.file} holds other weights: {len(missing)} of {len(wanted)} "
                f"tensors of InceptionResnetV1 are not in it, such as {min(missing)}"
            )
        self.network.load_state_dict(fitting)

    def look(self, image: Tensor) -> Tensor:
        """Embeddings of length 1, ``(B, 512)``, summed over the face and its mirror if so asked."""
        scaled = (image.float() - 127.5) / 128  # as it was trained
        network = self.network.to(image.device)
        points: Tensor = network(scaled)
        return points + network(scaled.flip(-1)) if self.add_mirror else points

    def description(self) -> dict[str, Any]:
        """The file's contents and what comes after it."""
        return {
            "file": self.file.name,
            "contents": contents(self.file),
            "add_mirror": self.add_mirror,
            "trained_on": self.trained_on,
        }
