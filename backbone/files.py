"""Files that are whole or not there."""

import os
import tempfile
from pathlib import Path


class replacing:  # noqa: N801 - a context manager reads as a verb
    """Context manager: write to a temporary file, then put it in the place of ``path``.

    The data is synced before the rename, so that after a crash ``path`` is the old file or the
    new one, never a part. On an error the old file stays.

    Args:
        path: The file to write.
        synced: False for what can be made again and is checked when it is read.
    """

    def __init__(self, path: Path, *, synced: bool = True) -> None:
        self.path = path
        self.synced = synced

    def __enter__(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        os.close(handle)
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is not None:
            self.temporary.unlink(missing_ok=True)
            return
        if self.synced:
            with self.temporary.open("r+b") as file:  # Windows syncs only what may be written
                os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        self.temporary.chmod(0o666 & ~umask)  # mkstemp's files are for the owner alone
        self.temporary.replace(self.path)
