"""Photos with any number of faces: each is found, looked at and written on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from backbone.errors import InputError
from tasks.common.commands.recording import say, write_json
from tasks.common.commands.run_folder import Results
from tasks.common.data.module import stack_images
from tasks.common.images.canvas import Canvas
from tasks.common.images.decoding import read_image
from tasks.common.images.saving import picture_of, save_picture
from tasks.common.images.sheets import sample_sheet
from tasks.common.machine.steps import steps_of
from tasks.faces.alignment import aligned_frames, centre_frame, corners, show
from tasks.faces.finders import Finder

COLOUR = (255, 200, 0)

# For pictures of faces (N, 3, S, S): what goes into predictions.json of each.
Describe = Callable[[Tensor], list[dict[str, Any]]]


def describe_faces(
    photos: str,
    results: Results,
    describe: Describe,
    *,
    side: int,
    finder: Finder | None,
    caption: Callable[[Mapping[str, Any]], Sequence[str]],
    legend: str,
    scale: float = 1.0,
    shift: float = 0.0,
) -> Path:
    """Finds all faces in photos, describes them, and draws them with their descriptions.

    ``predictions.json`` has the ``faces`` of each ``file``: the four corners of the ``face`` in
    pixels, clockwise from its top left, and what ``describe`` says. Unreadable photos are counted
    and named.

    Args:
        photos: A photo, a folder or a glob.
        results: The folder for that file and ``pictures``.
        describe: Looks at all faces of a photo at once.
        side: Of the pictures that it takes.
        finder: Of faces; None where a photo is one.
        caption: Of a described face, the lines that are written beside it.
        legend: Above the contact sheet, what they say.
        scale: Side of what is shown of a face that was found, over that of the aligned square.
        shift: How far below that square's middle it is, in sides of the square.

    Returns:
        The contact sheet of some of the pictures.

    Raises:
        InputError: If there are no photos, or none can be read.
    """
    entries: list[dict[str, Any]] = []
    pictures: list[Path] = []
    unreadable: list[str] = []
    output, paths = results.folder, results.photos(photos)
    for number, path in enumerate(steps_of(paths, "photos looked at")):
        try:
            pixels = read_image(path).pixels
        except InputError as error:
            unreadable.append(str(error))
            continue
        if not entries:
            results.make_way()
        frames = face_frames(pixels, finder, scale=scale, shift=shift)
        faces = described_faces(pixels, frames, describe, side=side)
        entries.append({"file": str(path), "faces": faces})
        pictures.append(picture_of(path, number, folder=output / "pictures"))
        save_picture(pictures[-1], draw_faces(pixels, faces, caption))
    if not entries:
        raise InputError("None of the photos can be read:\n  " + "\n  ".join(unreadable[:5]))
    write_json(output / "predictions.json", entries)
    _say_found(entries, unreadable)
    seen = [Path(entry["file"]) for entry in entries]
    save_picture(output / "sheet.jpg", sample_sheet(seen, pictures, title=legend))
    return output / "sheet.jpg"


def _say_found(entries: Sequence[Mapping[str, Any]], unreadable: Sequence[str]) -> None:
    found = sum(len(entry["faces"]) for entry in entries)
    say([f"{len(entries)} photos, {found} faces"])
    say([f"  1 photo skipped: {why}" for why in unreadable])


def described_faces(
    pixels: np.ndarray, frames: np.ndarray, describe: Describe, *, side: int
) -> list[dict[str, Any]]:
    """The corners of each face in a photo, and what is said of it."""
    views = [show(pixels, frame, side) for frame in frames]
    described = describe(stack_images(views, side)) if views else []
    return [
        {"face": corners(frame).round(2).tolist(), **said}
        for frame, said in zip(frames, described, strict=True)
    ]


def face_frames(
    pixels: np.ndarray, finder: Finder | None, *, scale: float, shift: float
) -> np.ndarray:
    """The frames of all faces in a photo, or of the whole where they are not searched for."""
    if finder is None:
        return centre_frame(pixels.shape[1], pixels.shape[0], share=1)[None]
    frames = aligned_frames(finder.find([pixels])[0].points)
    margin = (1 - scale) / 2
    framing = np.array([[scale, 0, margin], [0, scale, margin + shift], [0, 0, 1]])
    return frames @ framing


def draw_faces(
    pixels: np.ndarray,
    faces: Sequence[Mapping[str, Any]],
    caption: Callable[[Mapping[str, Any]], Sequence[str]],
    *,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Draws the square of each face and its lines beside it, RGB of shape ``(H, W, 3)``.

    Args:
        pixels: The photo.
        faces: That were found, in pixels of the whole photo.
        caption: The lines of one.
        size: Width and height of the whole photo, if it was read at a reduced scale.
    """
    canvas = Canvas(pixels, size=size)
    for face in faces:
        canvas.outline(face["face"], caption(face), COLOUR)
    return canvas.picture()
