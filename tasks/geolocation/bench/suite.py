"""Photos from shards beside photos from a folder, and ids of cells beside s2sphere's."""

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import torch
from omegaconf import DictConfig
from PIL import Image

from backbone.errors import InputError
from tasks.common.data import augmentation
from tasks.common.data.photo_sets import LabelledSet
from tasks.common.machine.timing import Row, median_seconds, speed_row
from tasks.geolocation.cells import s2
from tasks.geolocation.cells.sphere import Points
from tasks.geolocation.photos import GeoPhotos, read_photos
from tasks.geolocation.shards.making import pack_shard, plan_shards
from tasks.geolocation.tables.bad_rows import BadRows

SIDE = 224
PACKED_SIDE = 256  # of the small photos: what evaluation sees of a photo has SIDE then
NUM_IDS = 1_000_000
SHARE = 100  # s2sphere gets every so many of the points


def bench(config: DictConfig) -> list[Row]:
    """Measures what is geolocation's own: ``parts`` without ``loading`` has nothing of it.

    Args:
        config: The composed ``configs/bench.yaml``.

    Raises:
        InputError: If there is nothing to measure.
    """
    named = config.parts.split(",") if isinstance(config.parts, str) else config.parts
    if "loading" not in named:
        raise InputError(
            f"parts={','.join(named)}: task=planet has parts=[loading]; its network is measured "
            "with task=imagenet"
        )
    return [*_loading_rows(config), _cells_row(config)]


def _loading_rows(config: DictConfig) -> Iterator[Row]:
    """JPEG files to augmented samples in one process."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            _write_photos(config, root)
            table = root / "photos.csv"
            bad_rows = BadRows(table, on_bad_row="error")
            photos = read_photos(table, root / "photos", bad_rows=bad_rows)["train"]
            sources = {
                "folder": photos,
                "shards": _packed(root / "shards", photos, side=None),
                "small": _packed(root / "small", photos, side=PACKED_SIDE),
            }
            loads = {name: _load(each, config) for name, each in sources.items()}
            seconds = median_seconds(loads, seconds=config.seconds)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    for name, note in (("shards", "as they are"), ("small", f"packed with side={PACKED_SIDE}")):
        yield speed_row(
            "loading from shards",
            ours=seconds[name],
            peer=seconds["folder"],
            unit="photos/s",
            count=config.batch_size,
            goal=1.0,
            note=f"one process, 1024x768 pixels, {note}; peer the folder of files",
        )


def _write_photos(config: DictConfig, root: Path) -> None:
    """A table and JPEGs of the size and of as many bytes as those of Flickr."""
    rng = np.random.default_rng(config.seed)
    (root / "photos").mkdir()
    rows = ["file,latitude,longitude,split"]
    for number in range(config.num_photos):
        coarse = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
        pixels = cv2.resize(coarse, (1024, 768), interpolation=cv2.INTER_CUBIC)
        Image.fromarray(pixels).save(root / "photos" / f"{number}.jpg", quality=90)
        rows.append(f"{number}.jpg,{rng.uniform(-90, 90)},{rng.uniform(-180, 180)},train")
    (root / "photos.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _packed(folder: Path, photos: GeoPhotos, *, side: int | None) -> GeoPhotos:
    """The photos in one shard."""
    folder.mkdir()
    (shard,) = plan_shards(photos, "train", photos_per_shard=len(photos), seed=0)
    with ThreadPoolExecutor(1) as pool:
        return pack_shard(folder, shard, photos, side=side, pool=pool)[0]


def _load(photos: GeoPhotos, config: DictConfig) -> Callable[[], None]:
    """Loads as many photos as a batch has, going round all of them."""
    shown = LabelledSet(photos, augmentation.paper, sides=[SIDE], seed=config.seed)
    supply = count()

    def batch() -> None:
        for _ in range(config.batch_size):
            _ = shown[divmod(next(supply), config.num_photos)]

    return batch


def _cells_row(config: DictConfig) -> Row:
    """By the processor's time, since ours would take all cores.

    Raises:
        InputError: If s2sphere is not installed.
    """
    try:
        import s2sphere
    except ImportError as error:
        raise InputError("s2sphere is not installed; pip install -e '.[dev]' brings it") from error
    points = _random_points(config)
    some = points[::SHARE].tolist()

    def theirs() -> list[int]:
        places = (s2sphere.LatLng.from_degrees(*point) for point in some)
        return [s2sphere.CellId.from_lat_lng(place).id() for place in places]

    seconds = median_seconds(
        {"ours": lambda: s2.leaf_ids(points), "theirs": theirs},
        seconds=config.seconds,
        clock=time.process_time,
    )
    return speed_row(
        "ids of cells",
        ours=seconds["ours"],
        peer=seconds["theirs"] * SHARE,
        unit="ids/s",
        count=NUM_IDS,
        goal=100,
        note="a million points, by the processor's time; peer s2sphere",
    )


def _random_points(config: DictConfig) -> Points:
    """Evenly over the sphere."""
    rng = np.random.default_rng(config.seed)
    latitude = np.rad2deg(np.arcsin(rng.uniform(-1, 1, NUM_IDS)))
    return np.stack([latitude, rng.uniform(-180, 180, NUM_IDS)], axis=1)
