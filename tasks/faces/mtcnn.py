"""MTCNN, from facenet-pytorch."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from backbone.errors import InputError
from tasks.faces.finders import FACE_SHARES, Found, shrunk

MIN_FACE_PX = 20  # of the network's smallest window in the photo that is searched
NUM_AT_ONCE = 16  # photos of one size; more are slower on a processor's caches


class MtcnnFinder:
    """MTCNN (Zhang et al. 2016), whose weights come with facenet-pytorch.

    Args:
        face_shares: Faces at least this share of the photo's short side are searched for; each
            further share only where those before it found nothing.

    Raises:
        InputError: If facenet-pytorch is not installed.
    """

    def __init__(self, face_shares: Sequence[float] = FACE_SHARES) -> None:
        try:
            import torch
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise InputError(
                "Alignment by mtcnn needs facenet-pytorch: pip install -e '.[faces]'. A file of "
                "YuNet in its place (.onnx) goes without, and so does none"
            ) from error
        self.face_shares = face_shares
        # channels last, since pooling takes half of the time otherwise
        self.network = MTCNN(keep_all=True).to(memory_format=torch.channels_last)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.device = self.device
        self.network.to(self.device)

    def find(self, photos: Sequence[np.ndarray]) -> list[Found]:
        """All faces in each photo, RGB, uint8, of any sizes."""
        found: dict[int, Found] = {}
        searched = [shrunk(photo) for photo in photos]
        for share in self.face_shares:
            groups = defaultdict(list)
            for index, (photo, _) in enumerate(searched):
                if index not in found and min(photo.shape[:2]) >= MIN_FACE_PX:
                    groups[photo.shape].append(index)
            for indices in groups.values():
                for start in range(0, len(indices), NUM_AT_ONCE):
                    part = indices[start : start + NUM_AT_ONCE]
                    faces = self._find_at([searched[index][0] for index in part], share)
                    found |= {i: face for i, face in zip(part, faces, strict=True) if face}
        nothing = Found(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
        results = [found.get(index, nothing) for index in range(len(photos))]
        return [
            Found(face.boxes / scale, face.points / scale, face.scores)
            for face, (_, scale) in zip(results, searched, strict=True)
        ]

    def _find_at(self, photos: Sequence[np.ndarray], share: float) -> list[Found | None]:
        """Faces in photos of one size; None for those without."""
        self.network.min_face_size = max(MIN_FACE_PX, int(share * min(photos[0].shape[:2])))
        try:
            rows = self.network.detect(np.stack(photos), landmarks=True)
        except (RuntimeError, IndexError) as error:
            # It stumbles over windows that lie outside a photo. What a full or broken machine says
            # must not be kept as a photo without a face.
            if any(word in str(error).lower() for word in ("cuda", "cudnn", "memory")):
                raise
            if len(photos) == 1:
                return [None]
            return [self._find_at([photo], share)[0] for photo in photos]
        return [
            None
            if boxes is None
            else Found(*(np.array(part, np.float32) for part in (boxes, points, scores)))
            for boxes, scores, points in zip(*rows, strict=True)
        ]
