"""Names of files that stand in other files."""

from pathlib import PureWindowsPath

from backbone.errors import InputError


def check_file_name(name: object, *, source: str) -> None:
    """Refuses an image's name that does not stay inside the image folder.

    Args:
        name: As the file gives it.
        source: Where it was read, for the message.

    Raises:
        InputError: If it is no text, absolute, or holds ``..``.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise InputError(f"{source}: the image's file name is {name!r}, not a name")
    path = PureWindowsPath(name)  # splits at both kinds of slash and knows drive letters
    if path.anchor or ".." in path.parts:
        raise InputError(
            f"{source}: the file name {name!r} leads out of the image folder; "
            "write it relative to that folder and without '..'"
        )
