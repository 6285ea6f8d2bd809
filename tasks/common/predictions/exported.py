"""A network in a file, as prediction asks for one: with neither torch nor Lightning."""

import hashlib
import importlib
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError, check_choice, check_number
from tasks.common.data.labels import LabelMap
from tasks.common.data.samples import Samples, stacked
from tasks.common.exported.metadata import FILE, read_metadata
from tasks.common.exported.opening import check_files, open_run, read_tables
from tasks.common.images.bad_images import BAD_IMAGE_POLICIES
from tasks.common.machine.cores import take_all_cores
from tasks.common.machine.workers import threads
from tasks.common.predictions.network import Network, Seen
from tasks.common.predictions.wanted import Wanted
from tasks.common.settings.targets import OWN_PACKAGES
from tasks.common.training.described import Describer

# Settings that predictions need no torch for. All others are the network's, and torch's to judge.
ITS_OWN = frozenset(
    (
        *("exported", "input", "output", "run_dir", "overwrite", "skip_existing", "seed", "task"),
        *("min_score", "classes", "format", "heat_map", "pages", "every", "track", "overlap"),
        *("pictures", "pictures.min_score", "data.batch_size", "data.num_workers"),
        *("data.on_bad_image", "data.alignment", "data.cache"),
        *("data.embedding.alignment", "data.embedding.cache"),
    )
)

logger = logging.getLogger(__name__)


def why_torch(config: DictConfig, overrides: Sequence[str]) -> str | None:
    """What of a request torch is needed for; None if it goes without.

    Args:
        config: With ``exported``.
        overrides: That the user gave.

    Raises:
        InputError: If the folder has no metadata of ours.
    """
    about = read_metadata(Path(str(config.exported)))
    given = {override.lstrip("+~").partition("=")[0]: override for override in overrides}
    if config.get("tile") is not None:
        return given.get("tile", "tile=")
    if not about.get("decoded", True):
        return f"exported={config.exported}, whose boxes are left to be decoded,"
    others = sorted(given.keys() - ITS_OWN - {"tile"})
    if others:
        return given[others[0]]
    if config.get("data") and find_describer(config) is None:
        return f"data={config.data['_target_']}"
    return None


def check_torch(reason: str) -> None:
    """Refuses what torch is needed for where it is not installed.

    Raises:
        InputError: With that.
    """
    if importlib.util.find_spec("torch") is None:
        raise InputError(f"{reason} needs torch, which is not installed here: pip install -e .")


def find_describer(config: DictConfig) -> type[Describer] | None:
    """That of the application whose data are configured; None if it has none."""
    package, application = str(config.data["_target_"]).split(".")[:2]
    name = f"{package}.{application}.describing"
    if package not in OWN_PACKAGES or importlib.util.find_spec(name) is None:
        return None
    found: type[Describer] = importlib.import_module(name).describer
    return found


class ExportedNetwork(Network):
    """Looks at photos by the file in a folder.

    Args:
        folder: That ``tools/export.py`` wrote.
        config: Of a command; its data and task are the file's.
        threads: Of a call; None for all cores.

    Raises:
        InputError: If the folder is not as it was written, or nothing here runs its file.
    """

    def __init__(self, folder: Path, config: DictConfig, *, threads: int | None = None) -> None:
        self.folder = folder
        self.about = read_metadata(folder)
        check_files(folder, self.about)
        if not config.get("task"):
            raise InputError(f"exported={folder}: its metadata name no task. Give task=")
        check_number("data.batch_size", config.data.batch_size, at_least=1, whole=True)
        check_choice("data.on_bad_image", config.data.on_bad_image, allowed=BAD_IMAGE_POLICIES)
        network = self.description = self.about["network"]
        self.config = config.copy()
        self.config.data.image_size = network["image_size"]
        label_map = LabelMap.from_dict(network["label_map"])
        self.names = label_map.names
        self.run = open_run(folder, self.about, threads=threads or take_all_cores())
        find = find_describer(config)
        assert find is not None  # whoever has not asked gets torch's
        self.described: Describer = find(
            label_map,
            image_size=network["image_size"],
            task=_plain(self.config.task),
            data=_plain(self.config.data),
            tables=read_tables(folder),
        )

    def checksum(self) -> str:
        return hashlib.sha256((self.folder / FILE).read_bytes()).hexdigest()

    def seen(self) -> Iterator[Seen]:
        return self.look_at(self.photos)

    def look_at(
        self, photos: Sequence[Path], *, wanted: Wanted | None = None, cache: Path | None = None
    ) -> Iterator[Seen]:
        for batch, places, errors in self._batches(photos, cache):
            entries = self.described.entries(self.run, batch) if places else []
            yield Seen(places, entries, errors)

    def describe(self, pictures: np.ndarray, frames: np.ndarray) -> list[dict[str, Any]]:
        return self.described.entries(self.run, {"image": pictures, "frame": frames})

    def points(self, photos: Sequence[Path]) -> np.ndarray:
        rows = []
        for batch, _, errors in self._batches(photos, None):
            if errors:
                raise InputError("\n".join(errors))
            rows.append(self.described.points(self.run, batch))
        return np.concatenate(rows)

    def __repr__(self) -> str:
        network = self.about["network"]
        backbone = dict(network["backbone"])
        name = backbone.pop("name")
        settings = "".join(f" {key}={value}" for key, value in backbone.items())
        return (
            f"<{network['head']['name']} on {name}{settings}, {network['image_size']} pixels, "
            f"{len(self.names)} classes, trained on {', '.join(network['trained_on']) or 'nothing'}"
            f", {self.about['format']}>"
        )

    def _batches(
        self, photos: Sequence[Path], cache: Path | None
    ) -> Iterator[tuple[dict[str, np.ndarray], list[int], list[str]]]:
        """Photos at network size with their places, and what is wrong with others.

        While one batch is looked at, the next one is read.
        """
        describer = self.described
        if cache and describer.data.get("cache"):
            describer.data = {**describer.data, "cache": str(cache)}
        samples = describer.predict_set(photos)
        size, places = self.config.data.batch_size, range(len(photos))
        if len(photos) == 1:  # which is read sooner than threads are started
            yield _batch([_sample(samples, 0)])
            return
        with threads() as pool:
            started = (
                [pool.submit(_sample, samples, place) for place in share]
                for share in (places[start : start + size] for start in places[::size])
            )
            ahead = next(started, None)
            while ahead is not None:
                now, ahead = ahead, next(started, None)
                yield _batch([sample.result() for sample in now])


def _batch(
    samples: Sequence[dict[str, Any]],
) -> tuple[dict[str, np.ndarray], list[int], list[str]]:
    good = [sample for sample in samples if "error" not in sample]
    errors = [sample["error"] for sample in samples if "error" in sample]
    return stacked(good) if good else {}, [sample["id"] for sample in good], errors


def _sample(samples: Samples, place: int) -> dict[str, Any]:
    return samples[0, place]


def _plain(config: DictConfig) -> dict[str, Any]:
    values: Any = OmegaConf.to_container(config, resolve=True)
    return dict(values)
