"""Published weights to files of ours."""

import logging
from pathlib import Path

from omegaconf import DictConfig, ListConfig

from backbone.errors import InputError
from backbone.weights import save_weights
from heads.published import import_published
from tasks.common.commands.run_folder import check_file
from tasks.common.files.folders import make_folder

logger = logging.getLogger(__name__)


def import_weights(config: DictConfig) -> None:
    """Converts ``source`` to ``output`` and says what it holds.

    Args:
        config: The composed ``configs/import_weights.yaml``.

    Raises:
        InputError: If a file is damaged or unknown, or the output has another suffix.
    """
    output = Path(str(config.output))
    if output.suffix != ".safetensors":
        raise InputError(f"output={output}: the file must be called FILE.safetensors")
    check_file("output", output, overwrite=config.overwrite)
    several = isinstance(config.source, ListConfig)
    given = config.source if several else str(config.source).split(",")
    sources = [Path(str(source)) for source in given]
    names = _read_names(Path(str(config.labels))) if config.labels else None
    weights = import_published(sources, names=names)
    make_folder("output", output.parent)
    save_weights(output, weights)
    description = weights.description
    logger.info("%s: %d tensors", output, len(weights.tensors))
    logger.info("  backbone: %s", description["backbone"])
    if "head" in description:
        classes = len(description["label_map"]["names"])
        logger.info("  head: %s, %d classes", description["head"]["name"], classes)
    logger.info("  image size: %d", description["image_size"])
    logger.info("  trained on: %s", ", ".join(description["trained_on"]))


def _read_names(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"labels={path}: no such file")
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
