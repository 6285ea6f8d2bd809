"""Pairs of photos that show the same person or two, in the format of LFW."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.images.finding import is_image_name


@dataclass(frozen=True, eq=False)
class Pairs:
    """``P`` pairs of ``N`` different photos.

    Attributes:
        file: That lists them.
        paths: The photos.
        names: Whose each is.
        photos: Index of the two photos of each pair, ``(P, 2)``.
        same: Whether they show the same person, ``(P,)``.
        fold: Which part each pair is in, ``(P,)``.
    """

    file: Path
    paths: list[Path]
    names: list[str]
    photos: np.ndarray
    same: np.ndarray
    fold: np.ndarray

    def __len__(self) -> int:
        return len(self.same)


def read_pairs(file: Path, root: Path) -> Pairs:
    """Reads a list of pairs.

    The first line has the number of folds and of pairs of each kind in a fold, or the latter
    alone. Then come, for each fold, ``person n m`` for a pair of the same person, and as many lines
    ``person n other m``. Photo ``n`` of a person is ``root/person/person_000n`` with any suffix.

    Raises:
        InputError: Naming the line that is wrong, or the pair whose photo is missing.
    """
    lines = _lines(file)
    num_folds, num_each = _header(file, [line for _, line in lines])
    pairs = [(place, line.split()) for place, line in lines[1:]]
    finder = _Photos(file, root)
    photos, same = [], []
    for number, (place, words) in enumerate(pairs):
        is_same = number // num_each % 2 == 0
        _check_line(file, place, words, is_same=is_same)
        ends = (words[:2], words[::2]) if is_same else (words[:2], words[2:])
        photos.append([finder.index(*end, line=place, pair=words) for end in ends])
        same.append(is_same)
    fold = np.arange(len(pairs)) // (2 * num_each)
    assert fold[-1] == num_folds - 1
    return Pairs(file, finder.paths, finder.names, np.array(photos), np.array(same), fold)


def _lines(file: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"data.pairs={file} cannot be read: {error}. A list of pairs as LFW's is needed"
        ) from error
    return [(place, line) for place, line in enumerate(text.splitlines(), 1) if line.strip()]


def _header(file: Path, lines: list[str]) -> tuple[int, int]:
    words = lines[0].split() if lines else []
    if not 1 <= len(words) <= 2 or not all(word.isdecimal() and int(word) > 0 for word in words):
        raise InputError(
            f"data.pairs={file}: the first line must give the number of folds and of pairs of each "
            f"kind in a fold, such as '10 300'; it is {' '.join(words)!r:.80}"
        )
    num_folds, num_each = [1, *map(int, words)][-2:]
    wanted = 2 * num_folds * num_each
    if len(lines) - 1 != wanted:
        raise InputError(
            f"data.pairs={file}: its first line, {lines[0]!r:.80}, announces {wanted} pairs, and "
            f"there are {len(lines) - 1}"
        )
    return num_folds, num_each


def _check_line(file: Path, line: int, words: list[str], *, is_same: bool) -> None:
    numbers = words[1:] if is_same else words[1::2]
    if len(words) != (3 if is_same else 4) or not all(word.isdecimal() for word in numbers):
        form = "'person 1 2', a pair of one person" if is_same else "'person 1 other 2'"
        raise InputError(
            f"data.pairs={file}, line {line}: {' '.join(words)!r:.120} where {form}, is expected; "
            "names have no spaces"
        )
    if is_same and int(words[1]) == int(words[2]):
        raise InputError(
            f"data.pairs={file}, line {line}: {' '.join(words)!r:.120} is one photo, not a pair"
        )
    if not is_same and words[0] == words[2]:
        raise InputError(
            f"data.pairs={file}, line {line}: {' '.join(words)!r:.120} is among the pairs of two "
            "people, and names one"
        )


class _Photos:
    """Finds the photos that pairs name, each once."""

    def __init__(self, file: Path, root: Path) -> None:
        self.file = file
        self.root = root
        self.paths: list[Path] = []
        self.names: list[str] = []
        self._index: dict[tuple[str, int], int] = {}
        self._folders: dict[str, dict[str, Path]] = {}

    def index(self, person: str, number: str, *, line: int, pair: list[str]) -> int:
        key = person, int(number)
        if key not in self._index:
            stem = f"{person}_{int(number):04d}"
            path = self._folder(person).get(stem)
            if path is None:
                raise InputError(
                    f"data.pairs={self.file}, line {line}: the pair {' '.join(pair)!r:.120} needs "
                    f"{self.root / person / stem}.jpg, or with another image suffix, and there is "
                    "none. data.pairs_root= must have a folder for each person"
                )
            self._index[key] = len(self.paths)
            self.paths.append(path)
            self.names.append(person)
        return self._index[key]

    def _folder(self, person: str) -> dict[str, Path]:
        """The images of a person by stem; a name that leads elsewhere has none."""
        if person not in self._folders:
            folder = self.root / person
            inside = Path(person).name == person and folder.is_dir()
            files = sorted(filter(is_image_name, folder.iterdir())) if inside else []
            self._folders[person] = {path.stem: path for path in files}
            for path in files:
                if (other := self._folders[person][path.stem]) != path:
                    raise InputError(
                        f"data.pairs_root={self.root}: {path} and {other.name} are both photo "
                        f"{path.stem}. Remove one"
                    )
        return self._folders[person]
