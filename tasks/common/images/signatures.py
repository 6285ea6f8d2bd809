"""What files begin with, by which an image is told from something else."""

JPEG, PNG, WEBP = "a JPEG image", "a PNG image", "a WebP image"
GIF, BMP, TIFF = "a GIF image", "a BMP image", "a TIFF image"
AVIF, HEIC, JPEG_2000 = "an AVIF image", "a HEIC image", "a JPEG 2000 image"
FILM = "a film, which tools/predict.py takes as input= if its name says so, as clip.mp4 does"
PAGE = "an HTML page, as a failed download leaves"

SIGNATURES = {
    b"\xff\xd8": JPEG,
    b"\x89PNG": PNG,
    b"GIF8": GIF,
    b"II*\0": TIFF,
    b"MM\0*": TIFF,
    b"\0\0\0\x0cjP  ": JPEG_2000,
    b"\xff\x4f\xff\x51": JPEG_2000,
}
OTHER_FILES = {
    b"<!doctype html": PAGE,
    b"<html": PAGE,
    b"%pdf": "a PDF document",
    b"pk\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a Git LFS pointer, whose content was not fetched",
    b"\x1a\x45\xdf\xa3": FILM,  # Matroska and WebM
}
# The brand of a file of boxes, as MP4 and its relatives are.
BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
}
ENOUGH = 64  # bytes, to tell


def image_kind(head: bytes) -> str | None:
    """The kind of image that a file begins like, or None.

    >>> image_kind(bytes.fromhex("ffd8ffe0")), image_kind(b"BMW and other cars")
    ('a JPEG image', None)
    """
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"mif1", b"msf1") and b"avif" in head[16:]:  # a brand of both
            return AVIF
        return BRANDS.get(head[8:12])
    if head[:4] == b"RIFF":
        return WEBP if head[8:12] == b"WEBP" else None
    if head[:2] == b"BM" and head[6:10] == bytes(4):  # which text does not have
        return BMP
    return next((kind for start, kind in SIGNATURES.items() if head.startswith(start)), None)


def other_kind(head: bytes) -> str | None:
    """What a file that is no image is, by how it begins, or None."""
    if head[4:8] == b"ftyp" or (head[:4] == b"RIFF" and head[8:11] == b"AVI"):
        return FILM
    start = head.lstrip().lower()
    return next((kind for sign, kind in OTHER_FILES.items() if start.startswith(sign)), None)


def diagnosis(head: bytes) -> str:
    """Says what a file that cannot be read as an image begins with."""
    if not head:
        return "is empty"
    if kind := image_kind(head):
        return f"begins like {kind} but is damaged or cut short"
    if kind := other_kind(head):
        return f"is not an image but {kind}"
    head = head[:32]
    if head.isascii() and head.decode("ascii").replace("\n", " ").isprintable():
        return f"is not an image: it begins with the text {head.decode('ascii')!r}"
    return f"is not an image of a known kind: it begins with the bytes {head[:8].hex(' ')}"
