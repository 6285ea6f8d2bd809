"""Small photos in folders of classes."""

from pathlib import Path

from tests.photo_files import write_photos


def write_classes(root: Path, counts: dict[str, int]) -> Path:
    """Class folders, such as ``train/cat``, with so many photos each."""
    for folder, count in counts.items():
        write_photos(root / folder, [f"{number}.png" for number in range(count)])
    return root
