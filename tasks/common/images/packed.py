"""Photos that are read from elsewhere than a file of their own: a larger file, or a small copy."""

import zlib
from dataclasses import dataclass
from pathlib import Path

from backbone.errors import InputError


@dataclass(frozen=True)
class PackedImage:
    """An image file inside a larger file.

    Attributes:
        pack: The larger file.
        name: Of the image, for messages.
        offset: Of its first byte.
        size: In bytes.
        checksum: CRC-32 of these.
    """

    pack: Path
    name: str
    offset: int
    size: int
    checksum: int

    def __str__(self) -> str:
        return f"{self.pack}/{self.name}"

    def read(self) -> bytes:
        """Its bytes, of which no others are read.

        Raises:
            InputError: If the larger file is missing, cut short or damaged there.
        """
        try:
            with self.pack.open("rb", buffering=0) as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise InputError(f"{self.pack} cannot be read: {error}") from error
        if zlib.crc32(data) != self.checksum:
            raise InputError(
                f"{self.pack} is damaged or cut short where {self.name} is. Remove it and run "
                "tools/make_shards.py as before, which writes what is missing"
            )
        return data


@dataclass(frozen=True)
class SmallCopy:
    """A photo made smaller, which stands for it: places in it are given in pixels of the photo.

    Attributes:
        path: Of the copy, for messages.
        size: The photo's width and height.
        data: The image file that was read there.
    """

    path: Path
    size: tuple[int, int]
    data: bytes

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> bytes:
        """The image file."""
        return self.data
