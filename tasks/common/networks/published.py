"""Published weights by name: what there is, where it comes from, and the file that it becomes."""

import difflib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from omegaconf import OmegaConf

from backbone.errors import InputError
from backbone.weights import save_weights
from heads.published import import_published
from tasks.common.files.download import fetch
from tasks.common.settings.configs import CONFIGS

PUBLISHED = CONFIGS / "published"
FILES = (".safetensors", ".ckpt", ".tflite", ".pt", ".pth")
HUB = "hf:"  # begins the name of a repository on the Hugging Face Hub
CACHE = "MOBILENET_CACHE"  # the environment variable that names another folder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """Weights that somebody has published, as a file of ``configs/published`` has them.

    Attributes:
        name: Of the file.
        task: That they are for.
        files: ``url``, ``size`` in bytes and ``checksum`` of each.
        licence: Its SPDX identifier.
        published: What their authors measured.
        measured: What we measured.
    """

    name: str
    task: str
    files: tuple[dict[str, Any], ...]
    licence: str
    published: str
    measured: str

    @classmethod
    def named(cls, name: str) -> "Published":
        """The weights of that name, which there must be."""
        values: Any = OmegaConf.to_container(OmegaConf.load(PUBLISHED / f"{name}.yaml"))
        files = tuple(values.pop("files"))
        return cls(name=name, files=files, **values)

    @property
    def path(self) -> Path:
        """Where they are kept in our own form, once they were fetched."""
        return cache_folder() / f"{self.name}.safetensors"

    def fetched(self) -> Path:
        """Fetches and converts them, unless that was done before.

        Raises:
            InputError: If they cannot be had: which file to place where by hand.
        """
        if not self.path.is_file():
            files = [self._fetched(**file) for file in self.files]
            save_weights(self.path, import_published(files))
            logger.info("init=%s: %s, licence %s", self.name, self.path, self.licence)
        return self.path

    def _fetched(self, *, url: str, size: int, checksum: str) -> Path:
        name = Path(urlsplit(url).path).name
        return fetch(url, cache_folder() / name, size=size, checksum=checksum)


def published_names() -> list[str]:
    """What ``init=`` takes beside files."""
    return sorted(path.name.removesuffix(".yaml") for path in PUBLISHED.glob("*.yaml"))


def is_on_hub(name: str) -> bool:
    """Whether a name is of a repository on the Hub, and of no file."""
    return name.startswith(HUB)


def cache_folder() -> Path:
    """Where fetched weights are kept for all projects of a user."""
    if given := os.environ.get(CACHE):
        return Path(given)
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "mobilenet-suite"


def weights_file(given: str | Path) -> Path:
    """The file that ``init=`` means: a path as it is, of published weights the one they become.

    Args:
        given: A path, a name of ``published_names``, or ``hf:OWNER/NAME`` of the Hub.

    Raises:
        InputError: If there is neither a file nor a publication of that name.
    """
    if is_on_hub(str(given)):
        from tasks.common.networks.hub import fetched

        return fetched(str(given))
    path, names = Path(given), published_names()
    if path.exists() or path.name != str(given):
        return path
    if str(given) in names:
        return Published.named(str(given)).fetched()
    if path.suffix not in FILES:
        near = difflib.get_close_matches(str(given), names, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise InputError(
            f"init={given}: no such file, and no published weights.{meant} Published weights: "
            f"{', '.join(names)}"
        )
    return path
