"""Lists of pairs of photos: LFW's, people's own, and insightface's."""

from pathlib import Path

import numpy as np

from backbone.errors import InputError
from tasks.common.images.finding import is_image_name
from tasks.face_embedding.pair_lists.archive import is_pair_archive, read_pair_archive
from tasks.face_embedding.pair_lists.files import FORM, is_named, read_named_pairs
from tasks.face_embedding.pair_lists.pair_list import Pairs

__all__ = ["Pairs", "read_pairs"]


def read_pairs(file: Path, root: Path | None, *, cache: Path) -> Pairs:
    """Reads a list of pairs, in any form.

    In LFW's form the first line has the number of folds and of pairs of each kind in a fold, or the
    latter alone. Then come, for each fold, ``person n m`` for a pair of the same person, and as
    many lines ``person n other m``; where there are tabs, these alone part them. Photo ``n`` of a
    person is ``root/person/person_000n``, or ``root/person_000n``, with any suffix. For the other
    forms see ``read_named_pairs`` and ``read_pair_archive``.

    Args:
        file: The list.
        root: Folder of the photos; an archive needs none.
        cache: Folder that an archive is unpacked to.

    Raises:
        InputError: Naming the line that is wrong, or the pair whose photo is missing.
    """
    if is_pair_archive(file):
        return read_pair_archive(file, cache)
    if root is None:
        raise InputError("data.pairs_root is not set: the folder of the photos that pairs name")
    if not root.is_dir():
        raise InputError(f"data.pairs_root={root}: there is no such folder")
    lines = _lines(file)
    if is_named(lines):
        return read_named_pairs(file, root, lines)
    return _read_lfw(file, root, lines)


def _read_lfw(file: Path, root: Path, lines: list[tuple[int, str]]) -> Pairs:
    num_folds, num_each = _header(file, [line for _, line in lines])
    pairs = [(place, _words(line)) for place, line in lines[1:]]
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


def _words(line: str) -> list[str]:
    """Between tabs, where there are any: then names may have blanks."""
    if "\t" in line.strip():
        return [word.strip() for word in line.strip().split("\t")]
    return line.split()


def _lines(file: Path) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    try:
        text = file.read_text(encoding="utf-8-sig")
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
            f"kind in a fold, such as '10 300', as in LFW's; it is {' '.join(words)!r:.80}. In "
            f"lists of another form each line is {FORM}"
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
            "names have no spaces, unless tabs part them"
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
        self._folders: dict[Path, dict[str, Path]] = {}

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
        if Path(person).name != person:
            return {}
        folder = self.root / person
        if not folder.is_dir():  # some have the photos of all in one
            folder = self.root
        if folder not in self._folders:
            files = sorted(filter(is_image_name, folder.iterdir()))
            self._folders[folder] = {path.stem: path for path in files}
            for path in files:
                if (other := self._folders[folder][path.stem]) != path:
                    raise InputError(
                        f"data.pairs_root={self.root}: {path} and {other.name} are both photo "
                        f"{path.stem}. Remove one"
                    )
        return self._folders[folder]
