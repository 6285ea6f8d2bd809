"""From a table of photos and the folder they are in to shards."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from omegaconf import DictConfig

from backbone.errors import InputError, check_number
from backbone.files import replacing
from tasks.common.commands.recording import write_report
from tasks.common.files.folders import make_folder
from tasks.common.images.decoding import read_image
from tasks.common.images.finding import SUFFIXES
from tasks.common.images.small_copies import reduced_jpeg
from tasks.common.machine.steps import steps_of
from tasks.common.machine.stopping import GOES_ON, keeping
from tasks.common.machine.workers import threads
from tasks.common.report import counted
from tasks.common.settings.differences import differences
from tasks.geolocation.photos import GeoPhotos, read_photos
from tasks.geolocation.shards.files import (
    AGAIN,
    PART,
    FilePlace,
    ShardPhotos,
    look_into_shard,
    shard_path,
    write_index,
    write_shard,
)
from tasks.geolocation.tables.bad_rows import BadRows

DESCRIPTION = "shards.json"
AT_ONCE = 64  # photos in memory
MAX_SHOWN = 5  # skipped photos, on the console; report.txt has all


class Shard(NamedTuple):
    """What a shard is to hold: photos of a split, by their numbers there."""

    split: str
    number: int
    chosen: np.ndarray


def make_shards(config: DictConfig) -> list[str]:
    """Packs the photos of a table, but for those in shards that are there already.

    Args:
        config: The composed ``configs/make_shards.yaml``.

    Returns:
        What was packed and skipped.

    Raises:
        InputError: If a setting is not allowed, the table cannot be used, no photo can be read, or
            the folder holds other shards.
    """
    for name, least in (("photos_per_shard", 1), ("side", 1), ("seed", 0)):
        if config[name] is not None:
            check_number(name, config[name], at_least=least, whole=True)
    table, images = Path(str(config.table)), Path(str(config.images))
    if not images.is_dir():
        raise InputError(f"images={images}: there is no such folder")
    bad_rows = BadRows(table, on_bad_row=config.on_bad_row, setting="on_bad_row")
    photos = read_photos(table, images, bad_rows=bad_rows, val_share=config.val_share)
    notes = bad_rows.check()
    folder = make_folder("output", config.output)
    _describe(folder, photos, config)
    with keeping(GOES_ON):
        packed, skipped = _pack(folder, photos, config)
    if not any(map(len, packed)):
        raise InputError("\n  ".join([f"{table}: no photo can be read", *skipped[:MAX_SHOWN]]))
    write_index(folder, packed)
    for left_by_a_kill in folder.glob(".*.tar.*"):
        left_by_a_kill.unlink(missing_ok=True)
    lines = [_count(split, packed) for split in photos]
    lines += [*notes, f"{counted(len(skipped), 'photo', 'photos')} skipped"]
    write_report(folder, [*lines, *(f"  {problem}" for problem in skipped)])
    shown = [f"  {problem}" for problem in skipped[:MAX_SHOWN]]
    if len(skipped) > MAX_SHOWN:
        shown.append(f"  and more, see {folder / 'report.txt'}")
    return [*lines, *shown, f"Train with task=planet data=shards data.root={folder}"]


def _describe(folder: Path, photos: dict[str, GeoPhotos], config: DictConfig) -> None:
    """Says what the shards of a folder are made of, or refuses those made of anything else."""
    digest = hashlib.blake2b(digest_size=16)
    for each in photos.values():
        for array in (each.file_names, each.points, each.albums):
            digest.update(np.ascontiguousarray(array).tobytes())
    wanted = {
        **{f"num_{split}": len(each) for split, each in photos.items()},
        **{name: config[name] for name in ("side", "photos_per_shard", "seed")},
        "digest": digest.hexdigest(),
    }
    path = folder / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else wanted
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}. Give another output=DIR") from error
    if changed := list(map(str, differences(wanted, found))):
        raise InputError(
            f"output={folder} holds shards made otherwise: "
            f"{'; '.join(changed).replace('in the checkpoint', 'there')}. Give another output=DIR"
        )
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


def _pack(
    folder: Path, photos: dict[str, GeoPhotos], config: DictConfig
) -> tuple[list[ShardPhotos], list[str]]:
    """The photos of each shard, and a message for each that is in none."""
    size, seed = config.photos_per_shard, config.seed
    plan = [
        shard
        for split, each in photos.items()
        for shard in plan_shards(each, split, photos_per_shard=size, seed=seed)
    ]
    packed, skipped = [], []
    with threads() as pool:
        for shard in steps_of(plan, "photos packed", size=lambda shard: len(shard.chosen)):
            here = photos[shard.split]
            found, problems = pack_shard(folder, shard, here, side=config.side, pool=pool)
            packed.append(found)
            skipped += problems
    return packed, skipped


def plan_shards(photos: GeoPhotos, split: str, *, photos_per_shard: int, seed: int) -> list[Shard]:
    """Deals shuffled photos out to shards, so that any few of these are a sample of all."""
    order = np.random.default_rng(seed).permutation(len(photos))
    starts = range(0, len(photos), photos_per_shard)
    return [
        Shard(split, number, order[start : start + photos_per_shard])
        for number, start in enumerate(starts)
    ]


def pack_shard(
    folder: Path, shard: Shard, photos: GeoPhotos, *, side: int | None, pool: ThreadPoolExecutor
) -> tuple[ShardPhotos, list[str]]:
    """Writes a shard unless it is there.

    Returns:
        The photos in it, and a message for each that could not be read.

    Raises:
        InputError: If it cannot be written, or the one that is there is damaged.
    """
    path = shard_path(folder, shard.split, shard.number)
    if not path.exists():
        write_shard(path, _members(photos, shard.chosen, side, pool))
    places = look_into_shard(path)
    inside = np.array([number in places for number in shard.chosen.tolist()], bool)
    packed = _packed(folder, shard, photos, places, shard.chosen[inside])
    return packed, [_problem(photos, number, side, path) for number in shard.chosen[~inside]]


def _members(
    photos: GeoPhotos, chosen: np.ndarray, side: int | None, pool: ThreadPoolExecutor
) -> Iterator[tuple[str, bytes]]:
    """The files of a shard, without those of photos that cannot be read."""

    def encoded(number: int) -> tuple[str, bytes] | None:
        try:
            return _encoded(photos.path(number), side)
        except InputError:
            return None  # found to be missing afterwards, as when the shard was there already

    for start in range(0, len(chosen), AT_ONCE):
        numbers = chosen[start : start + AT_ONCE].tolist()
        for number, found in zip(numbers, pool.map(encoded, numbers), strict=True):
            if found is not None:
                suffix, data = found
                yield f"{number:09d}{suffix}", data
                yield f"{number:09d}.json", _facts(photos, number, checksum=crc32(data))


def _encoded(path: Path, side: int | None) -> tuple[str, bytes]:
    """The suffix and the bytes to pack of a photo, which is decoded to be sure of it."""
    photo = read_image(path, min_side=side)
    if side is not None and (data := reduced_jpeg(photo, side=side)):
        return ".jpg", data
    suffix = path.suffix.lower()
    return suffix if suffix in SUFFIXES else ".jpg", path.read_bytes()


def _facts(photos: GeoPhotos, number: int, *, checksum: int) -> bytes:
    """What is said of a photo beside it."""
    latitude, longitude = photos.points[number].tolist()
    facts = {
        "file": os.fsdecode(photos.file_names[number]),
        "latitude": latitude,
        "longitude": longitude,
        "place": int(photos.albums[number]),
        "crc32": checksum,
    }
    return json.dumps(facts).encode()


def _packed(
    folder: Path, shard: Shard, photos: GeoPhotos, places: dict[int, FilePlace], inside: np.ndarray
) -> ShardPhotos:
    """The photos that a shard holds, and where in it they are."""
    parts = [(shard.number, *places[number]) for number in inside.tolist()]
    return ShardPhotos(
        folder,
        photos.file_names[inside],
        photos.targets[inside],
        photos.label_map,
        points=photos.points[inside],
        albums=photos.albums[inside],
        parts=np.array(parts, PART),
        split=shard.split,
    )


def _problem(photos: GeoPhotos, number: int, side: int | None, path: Path) -> str:
    """Why a photo is in no shard.

    Raises:
        InputError: If there is no reason.
    """
    try:
        _encoded(photos.path(number), side)
    except InputError as error:
        return str(error)
    raise InputError(
        f"{path} lacks {photos.path(number)}, which can be read now. Remove it and {AGAIN}"
    )


def _count(split: str, packed: Sequence[ShardPhotos]) -> str:
    """How many photos are in how many shards."""
    sizes = [len(each) for each in packed if each.split == split]
    shards = counted(len(sizes), "shard", "shards")
    return f"{split}: {counted(sum(sizes), 'photo', 'photos')} in {shards}"
