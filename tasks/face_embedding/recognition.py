"""Names the faces in photos by the nearest of people that are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from omegaconf import DictConfig
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from backbone.errors import InputError
from backbone.weights import read_checkpoint
from tasks.common.data import stack_images
from tasks.common.folders import make_folder
from tasks.common.images import find_images, list_images, read_image
from tasks.common.pictures import contact_sheet, save_picture
from tasks.common.progress import steps_of
from tasks.common.run import say, write_json
from tasks.common.stored import restore_checkpoint
from tasks.common.task import Task
from tasks.face_embedding.alignment import aligned_frames, centre_frame, corners, show
from tasks.face_embedding.faces import find_faces
from tasks.face_embedding.landmarks import FaceFinder
from tasks.face_embedding.task import COLOUR, FaceEmbeddingTask

SMALLEST_FACE = 0.04  # of a photo's short side, since a photo of many people shows small faces
BATCH = 32
SHEET_PICTURES = 12


def recognise(config: DictConfig) -> Path:
    """Finds all faces in photos, names those that are near a known person's, and draws both.

    Args:
        config: The composed ``configs/demo_facenet_distill.yaml``, with ``checkpoint``, ``input``
            and ``known``.

    Returns:
        The contact sheet of some of the pictures, in the folder with all of them.

    Raises:
        InputError: If one of the three is missing, or no network of faces is in the checkpoint.
    """
    if not (config.checkpoint and config.input):
        raise InputError("known=DIR needs checkpoint=FILE and input=PHOTOS too")
    source = Path(str(config.checkpoint))
    task = restore_checkpoint(source).eval()
    if not isinstance(task, FaceEmbeddingTask):
        raise InputError(f"checkpoint={source} is of another task than face embeddings")
    alignment = read_checkpoint(source)["config"]["values"]["data"]["alignment"]
    names, centres = known_people(
        task, Path(str(config.known)), alignment=alignment, cache=Path(str(config.data.cache))
    )
    output = make_folder("output", config.output)
    finder = FaceFinder((SMALLEST_FACE,)) if alignment == "mtcnn" else None
    entries, pictures, unreadable = [], [], []
    for number, path in enumerate(steps_of(find_images(config.input), "photos looked at")):
        try:
            pixels = read_image(path).pixels
        except InputError as error:
            unreadable.append(str(error))
            continue
        frames = _frames(pixels, finder)
        faces = name_faces(
            embed(task, [(pixels, frame) for frame in frames]),
            names,
            centres,
            max_distance=config.max_distance,
        )
        for face, frame in zip(faces, frames, strict=True):
            face["face"] = corners(frame).round(2).tolist()
        entries.append({"file": str(path), "faces": faces})
        pictures.append(output / "pictures" / f"{number:05d}_{path.stem}.jpg")
        save_picture(pictures[-1], draw_faces(pixels, faces))
    write_json(output / "predictions.json", entries)
    say([f"{len(entries)} photos done", *(f"  1 photo skipped: {why}" for why in unreadable)])
    step = max(len(pictures) // SHEET_PICTURES, 1)
    save_picture(output / "sheet.jpg", contact_sheet(pictures[::step][:SHEET_PICTURES]))
    return output / "sheet.jpg"


def known_people(
    task: Task, folder: Path, *, alignment: str, cache: Path
) -> tuple[list[str], Tensor]:
    """The mean embedding of each person with a folder of photos, by name.

    Raises:
        InputError: If there is no such folder, or nobody in it.
    """
    if not folder.is_dir():
        raise InputError(f"known={folder}: there is no such folder")
    people = {path.name: list_images(path) for path in sorted(folder.iterdir()) if path.is_dir()}
    paths = [path for photos in people.values() for path in photos]
    if not paths:
        raise InputError(f"known={folder}: needs a folder of photos for each person")
    whose = [number for number, photos in enumerate(people.values()) for _ in photos]
    faces = find_faces(
        paths, alignment=alignment, cache=cache, on_bad_image="skip", needed=False, people=whose
    )
    say(faces.notes)
    pictures = [(read_image(faces.path(i)).pixels, faces.frames[i]) for i in range(len(faces))]
    points = embed(task, pictures)
    there = np.unique(faces.people)
    means = [points[torch.from_numpy(faces.people == number)].mean(0) for number in there]
    return [list(people)[number] for number in there], F.normalize(torch.stack(means))


@torch.no_grad()
def embed(task: Task, faces: Sequence[tuple[np.ndarray, np.ndarray]]) -> Tensor:
    """Embeddings of faces, each a photo and its frame, ``(N, D)``."""
    views = [show(pixels, frame, task.image_size) for pixels, frame in faces]
    images = stack_images(views, task.image_size)
    return torch.cat([task.predictions({"image": part}) for part in images.split(BATCH)])


def _frames(pixels: np.ndarray, finder: FaceFinder | None) -> np.ndarray:
    """The frames of all faces in a photo, or of the whole where they are not searched for."""
    if finder is None:
        return centre_frame(pixels.shape[1], pixels.shape[0], share=1)[None]
    return aligned_frames(finder.find([pixels])[0].points)


def name_faces(
    embeddings: Tensor, names: Sequence[str], centres: Tensor, *, max_distance: float
) -> list[dict[str, Any]]:
    """The nearest known person of each face, if near enough.

    Args:
        embeddings: ``(F, D)``.
        names: Of the ``K`` people.
        centres: Their embeddings, ``(K, D)``.
        max_distance: Squared; a face farther than this from all of them is of nobody known.

    Returns:
        ``name``, None for nobody known, and ``distance`` to the nearest.
    """
    if not len(embeddings):
        return []
    distances, nearest = torch.cdist(embeddings, centres).square().min(1)
    return [
        {"name": names[person] if distance <= max_distance else None, "distance": distance}
        for distance, person in zip(distances.tolist(), nearest.tolist(), strict=True)
    ]


def draw_faces(pixels: np.ndarray, faces: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Draws the square of each face with its name, RGB of shape ``(H, W, 3)``."""
    photo = Image.fromarray(pixels)
    line = max(round(0.04 * min(photo.size)), 12)
    font = ImageFont.load_default(line)
    draw = ImageDraw.Draw(photo, "RGBA")
    for face in faces:
        outline = [tuple(corner) for corner in face["face"]]
        draw.polygon(outline, outline=COLOUR, width=max(line // 8, 1))
        text = f"{face['name'] or 'nobody known'} {face['distance']:.2f}"
        x, y = np.clip(np.min(outline, axis=0), 0, None)
        draw.rectangle(draw.textbbox((x, y), text, font=font), fill=(0, 0, 0, 140))
        draw.text((x, y), text, font=font, fill="white")
    return np.array(photo)
