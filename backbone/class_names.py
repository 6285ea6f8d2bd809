"""The classes of public data sets, which published networks are known by."""

from collections.abc import Sequence

from backbone.description import UNKNOWN
from backbone.errors import InputError

NUM_IMAGENET_CLASSES = 1000
UNUSED_NAMES = ("???", "N/A")  # how label files mark numbers without a class


def imagenet_names() -> list[str]:
    """ImageNet's thousand names, in order, as the label maps of imported classifiers have them."""
    return class_names(NUM_IMAGENET_CLASSES, None)


def class_names(count: int, names: Sequence[str] | None) -> list[str]:
    """Names of a classifier's outputs; the two that stand for two classes each get their number.

    Args:
        count: Of the outputs.
        names: Theirs; None for ImageNet's if there are as many, or else for numbers.

    Raises:
        InputError: If there are more or fewer names than outputs.
    """
    if names is None and count == NUM_IMAGENET_CLASSES:
        from torchvision.models import MobileNet_V3_Small_Weights  # a second of start-up

        names = MobileNet_V3_Small_Weights.IMAGENET1K_V1.meta["categories"]
    if names is None:
        return [f"class {number}" for number in range(count)]
    if len(names) != count:
        raise InputError(
            f"The network tells {count} classes apart, and there are {len(names)} names for them. "
            "Give labels=FILE with a name a line, background first where the file has it."
        )
    repeated = {name for name in names if list(names).count(name) > 1}
    return [f"{name} ({i})" if name in repeated else name for i, name in enumerate(names)]


def coco_categories() -> list[str]:
    """COCO's names by their number, from 0, which is background; some are not used."""
    from torchvision.models.detection import SSD300_VGG16_Weights  # a second of start-up

    names: list[str] = SSD300_VGG16_Weights.COCO_V1.meta["categories"]
    return names


def data_sets_of(names: Sequence[str] | None) -> list[str]:
    """The data sets behind a published network, by its classes: a file does not name them.

    Args:
        names: Of the classes; None for a body alone.
    """
    if names is None or len(names) == NUM_IMAGENET_CLASSES:
        return ["imagenet"]
    coco = {name for name in coco_categories()[1:] if name not in UNUSED_NAMES}
    # the authors' detectors began as classifiers of ImageNet and were then trained as a whole
    return ["imagenet", "coco"] if set(names) == coco else [UNKNOWN]
