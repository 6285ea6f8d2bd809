"""How a page shows who is in a photo."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.predictions.entries import Entry
from tasks.common.predictions.network import Network
from tasks.common.showing.view import Bound, Limits
from tasks.faces.faces_view import FacesView, likely
from tasks.faces.finders import searches

HIGHEST_DISTANCE = 4.0  # squared, of two points on a sphere
LIKELY = 0.5  # an attribute beside a name


class PeopleView(FacesView):
    """Every face with the nearest of the people who are known, as far as a distance allows."""

    knows_people = True

    def bound(self, network: Network) -> Bound:
        from tasks.face_embedding.recognition import CAUTIOUS_DISTANCE

        fitted = network.description.get("max_distance")
        return Bound(
            "Largest squared distance to a known person"
            + ("" if fitted else ", which nobody has fitted to this network"),
            HIGHEST_DISTANCE,
            round(float(fitted or CAUTIOUS_DISTANCE), 3),
        )

    def alignment(self, network: Network) -> str:
        return str(network.config.data.alignment)

    def entries(
        self, network: Network, files: Sequence[Path], known: Mapping[str, Sequence[Path]]
    ) -> list[dict[str, Any]]:
        """Of each face also the nearest known person, however far, and the distance."""
        entries = super().entries(network, files, known)
        if known:
            self._name([face for entry in entries for face in entry["faces"]], network, known)
        return entries

    def _name(
        self,
        faces: Sequence[dict[str, Any]],
        network: Network,
        known: Mapping[str, Sequence[Path]],
    ) -> None:
        import torch

        from tasks.face_embedding.recognition import name_faces, people_in

        def embed(views: torch.Tensor) -> torch.Tensor:
            pictures = views.permute(0, 2, 3, 1).numpy()
            blank = np.tile(np.eye(2, 3), (len(pictures), 1, 1))  # nobody asks where they are
            said = network.describe(pictures, blank)
            return torch.tensor([one["embedding"] for one in said])

        with tempfile.TemporaryDirectory() as cache:
            people = people_in(
                known,
                embed,
                side=int(network.config.data.image_size),
                alignment=self.alignment(network),
                cache=Path(cache),
            )
        points = torch.tensor([face["embedding"] for face in faces])
        named = name_faces(points, people.names, people.centres, max_distance=HIGHEST_DISTANCE + 1)
        for face, name in zip(faces, named, strict=True):
            face |= name

    def kept(self, entry: Entry, limits: Limits) -> dict[str, Any]:
        """Without names of people who are farther away than the bound."""
        faces = [
            {**face, "name": face["name"] if face["distance"] <= limits.bound else None}
            if "distance" in face
            else face
            for face in entry["faces"]
        ]
        return {**entry, "faces": faces}

    def caption(self, face: Mapping[str, Any], limits: Limits) -> list[str]:
        who = (
            [f"{face['name'] or 'nobody known'} {face['distance']:.2f}"]
            if "distance" in face
            else []
        )
        return [*who, *likely(face, LIKELY)]

    def command(self, network: Network, limits: Limits, *, knows: bool) -> tuple[str, list[str]]:
        if knows:
            return "demo_facenet_distill", ["known=known", f"max_distance={limits.bound:g}"]
        return "predict", ["data.every_face=true"] * searches(self.alignment(network))


view = PeopleView()
