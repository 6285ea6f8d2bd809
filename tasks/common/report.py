"""What commands say: counts in words."""


def counted(number: int, one: str, many: str) -> str:
    """A number and its noun: ``1 box``, ``2 boxes``."""
    return f"{number} {one if number == 1 else many}"


def counted_of(number: int, total: int, one: str, many: str) -> str:
    """A number and its noun, and of how many where it is not all: ``2 of 3 photos``."""
    return counted(total, one, many) if number == total else f"{number} of {total} {many}"
