"""Records of MXNet, in which insightface passes photos of people on: told, and not read."""

from pathlib import Path

from backbone.errors import InputError


def refuse_records(setting: str, place: Path) -> None:
    """Refuses a file of records, or a folder of such files, with the way out.

    No reader of them is maintained: MXNet, whose own they are, has ended.

    Raises:
        InputError: If it is one.
    """
    inside = sorted(place.glob("*.rec")) if place.is_dir() else [place]
    records = next((file for file in inside if file.suffix == ".rec" and file.is_file()), None)
    if records is not None:
        raise InputError(
            f"{setting}={place}: {records.name} has its photos in records of MXNet, as insightface "
            "passes them on, which are not read. Write them to a folder of photos for each person, "
            "with mxnet.recordio where that is installed, and name the folder that these are in"
        )
