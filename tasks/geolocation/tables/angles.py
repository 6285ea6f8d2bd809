"""Latitudes and longitudes as people and programs write them: degrees, minutes and seconds."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from tasks.geolocation.tables.exif import degrees

SIDES = {"latitude": "NS", "longitude": "EW"}
NUMBER = r"^\s*[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?\s*$"
# One to three numbers, the side before or after them, and any signs between: 48°41'34.2"N.
VALUES = re.compile(r"\d+(?:[.,]\d+)?")
# Of degrees, minutes and seconds, as on keyboards and as in print.
SIGNS = re.compile(
    r"""(?:deg|[\u00b0\u00ba\u02da'"\u2032\u2033\u2019\u201d:,\s])+""", re.IGNORECASE
)
WORD = re.compile(r"^[A-Z][a-z]*$", re.IGNORECASE)


def to_degrees(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Text as degrees, null where it is none.

    Args:
        column: Numbers, with a decimal comma too, or degrees, minutes and seconds with their side.
        name: ``latitude`` or ``longitude``.
    """
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:  # words among them, which are looked for only then
        is_number = pc.match_substring_regex(column, NUMBER)
        plain = pc.replace_substring(pc.utf8_trim_whitespace(column), ",", ".")
        numbers = pc.if_else(is_number, plain, None).cast(pa.float64())
        if pc.all(pc.or_kleene(is_number, pc.is_null(column))).as_py():
            return numbers
        others = pc.if_else(is_number, None, column).to_pylist()
        angles = [text and angle(text, sides=SIDES[name]) for text in others]
        return pc.coalesce(numbers, pa.chunked_array([pa.array(angles, pa.float64())]))


def angle(text: str, *, sides: str) -> float | None:
    r"""Degrees of a text that names its side of the equator or of Greenwich; None if it does not.

    >>> angle("33° 30' 0\" S", sides="NS"), angle("E18.25", sides="EW")
    (-33.5, 18.25)
    >>> angle("48 deg 41' 34.00\" N", sides="NS"), angle("48.7 E", sides="NS")
    (48.69277777777778, None)
    """
    rest = SIGNS.sub(" ", VALUES.sub(" ", text)).split()
    values = [float(value.replace(",", ".")) for value in VALUES.findall(text)]
    if len(rest) != 1 or not WORD.match(rest[0]):
        return None
    if any(value >= 60 for value in values[1:]):
        return None
    return degrees(values, rest[0], sides=sides)
