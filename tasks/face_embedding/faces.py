"""Photos of faces, in arrays, each with the place of its face."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backbone.errors import InputError, check_choice
from tasks.common.images.bad_images import BAD_IMAGE_POLICIES
from tasks.common.images.decoding import check_image
from tasks.common.report import counted
from tasks.faces.alignment import CENTRE_SHARE, aligned_frames, centre_frame
from tasks.faces.finders import check_alignment, searches
from tasks.faces.landmarks import find_all_landmarks, find_landmarks


@dataclass(frozen=True, eq=False)
class FramedFaces:
    """``N`` photos with the place of a face in each.

    Attributes:
        files: Paths as bytes, ``(N,)``.
        frames: The square of each, see ``alignment``, float64 ``(N, 2, 3)``.
        people: Whose face it is, as a number, int64 ``(N,)``; -1 where nobody says.
        notes: What was left out or repaired: how many, then a colon and which.
        found: Whether a face was found in each, bool ``(N,)``; None where none was searched for.
    """

    files: np.ndarray
    frames: np.ndarray
    people: np.ndarray
    notes: tuple[str, ...] = ()
    found: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.files)

    def path(self, index: int) -> Path:
        """The file of a photo."""
        return Path(os.fsdecode(self.files[index]))


def find_faces(
    paths: Sequence[Path],
    *,
    alignment: str,
    cache: Path,
    on_bad_image: str,
    needed: bool,
    people: Sequence[int] | None = None,
) -> FramedFaces:
    """Finds the face of each photo.

    Args:
        paths: The photos.
        alignment: ``mtcnn``, a file of YuNet's, or ``none`` for the middle square of each photo.
        cache: Folder for what was found.
        on_bad_image: ``error`` or ``skip``, where a photo cannot be read.
        needed: Keep photos without a face, and show their middle; else they are left out.
        people: Whose face each is.

    Raises:
        InputError: If photos cannot be read under ``error`` or when needed, or none has a face.
    """
    check_choice("data.on_bad_image", on_bad_image, allowed=BAD_IMAGE_POLICIES)
    check_alignment(alignment)
    whose = np.array([-1] * len(paths) if people is None else people, np.int64)
    if not searches(alignment):
        frames, bad = _whole_frames(paths)
        faceless: list[int] = []
    else:
        points, bad = find_landmarks(paths, alignment=alignment, cache=cache)
        frames = aligned_frames(points)
        faceless = [i for i in _without_frame(frames) if i not in bad]
    if bad and (on_bad_image == "error" or needed):
        raise InputError(_refusal(list(bad.values()), len(paths), needed=needed))
    notes = [f"1 photo skipped: {problem}" for problem in bad.values()]
    left_out = set(bad)
    for index in faceless:
        if needed:
            frames[index] = centre_frame(*check_image(paths[index]), share=CENTRE_SHARE)
            notes.append(f"1 photo without a face, its middle is shown: {paths[index]}")
        else:
            left_out.add(index)
            notes.append(f"1 photo skipped, no face found: {paths[index]}")
    kept = np.array([i for i in range(len(paths)) if i not in left_out], np.int64)
    if not len(kept):
        raise InputError(
            f"None of the {counted(len(paths), 'photo', 'photos')} in {paths[0].parent} and beside "
            "it shows a face that can be used. data.alignment=none takes them as they are"
        )
    files = np.array([os.fsencode(paths[index]) for index in kept])
    return FramedFaces(files, frames[kept], whose[kept], tuple(notes))


def find_faces_or_middles(
    paths: Sequence[Path], *, alignment: str, cache: Path
) -> tuple[FramedFaces, dict[int, str]]:
    """The middle face of each photo, or the photo's middle where there is none, to look at.

    Returns:
        A row for each path, and what is wrong with those that cannot be read.
    """
    check_alignment(alignment)
    found = None
    if not searches(alignment):
        frames, bad = _whole_frames(paths)
    else:
        points, bad = find_landmarks(paths, alignment=alignment, cache=cache)
        frames = aligned_frames(points)
        found = np.isfinite(frames).all((1, 2))
    for index in _without_frame(frames):
        if index not in bad:
            frames[index] = centre_frame(*check_image(paths[index]), share=CENTRE_SHARE)
    files = np.array([os.fsencode(path) for path in paths])
    return FramedFaces(files, frames, np.full(len(paths), -1), found=found), bad


def find_every_face(
    paths: Sequence[Path], *, alignment: str
) -> tuple[FramedFaces, np.ndarray, dict[int, str]]:
    """All faces of each photo, or the photo's middle where there is none.

    Returns:
        The faces, photo by photo; the place of each one's photo in ``paths``, ``(F,)``; and what is
        wrong with the photos that cannot be read, which have none.
    """
    check_alignment(alignment)
    points, bad = find_all_landmarks(paths, alignment=alignment)
    whose, frames, found = [], [], []
    for index, path in enumerate(paths):
        if index in bad:
            continue
        faces = aligned_frames(points[index])
        there = bool(len(faces))
        if not there:
            faces = centre_frame(*check_image(path), share=CENTRE_SHARE)[None]
        frames.append(faces)
        whose += [index] * len(faces)
        found += [there] * len(faces)
    files = np.array([os.fsencode(paths[index]) for index in whose])
    every = FramedFaces(
        files,
        np.concatenate([np.zeros((0, 2, 3)), *frames]),
        np.full(len(whose), -1),
        found=np.array(found, bool),
    )
    return every, np.array(whose, np.int64), bad


def _without_frame(frames: np.ndarray) -> list[int]:
    found: list[int] = np.flatnonzero(np.isnan(frames).any((1, 2))).tolist()
    return found


def _whole_frames(paths: Sequence[Path]) -> tuple[np.ndarray, dict[int, str]]:
    frames, bad = np.full((len(paths), 2, 3), np.nan), {}
    for index, path in enumerate(paths):
        try:
            frames[index] = centre_frame(*check_image(path), share=1)
        except InputError as error:
            bad[index] = str(error)
    return frames, bad


def _refusal(problems: Sequence[str], number: int, *, needed: bool, shown: int = 5) -> str:
    more = [f"and {len(problems) - shown} more"] * (len(problems) > shown)
    advice = "Repair them" + (
        ": photos of pairs are all needed"
        if needed
        else ", or set data.on_bad_image=skip to leave them out"
    )
    lines = "\n  ".join([*problems[:shown], *more])
    total = f"{len(problems)} of {counted(number, 'photo', 'photos')}"
    return f"{total} cannot be used:\n  {lines}\n{advice}"
