"""What people call the parts of a data set."""

TRAIN = ("train", "training")
VAL = ("val", "valid", "validation", "dev", "eval")
TEST = ("test", "testing")
# To validate on, the first that there is.
VALIDATED = (*VAL, *TEST)


def split_of(word: str) -> str | None:
    """``train``, ``val`` or ``test``, whatever that is called; None for any other word.

    >>> split_of(" Training"), split_of("dev"), split_of("elsewhere")
    ('train', 'val', None)
    """
    word = word.strip().lower()
    parts = {"train": TRAIN, "val": VAL, "test": TEST}
    return next((part for part, words in parts.items() if word in words), None)
