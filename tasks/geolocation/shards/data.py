"""Photos in shards as training data."""

from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch

from backbone.errors import InputError, check_number
from tasks.common.data.sampling import EpochSampler, WindowSampler
from tasks.geolocation.data import GeolocationData
from tasks.geolocation.photos import GeoPhotos
from tasks.geolocation.shards.files import INDEX, ShardPhotos, read_shards


class ShardData(GeolocationData):
    """What ``tools/make_shards.py`` wrote, for training and validation.

    A photo is read from its place in its shard, so that its epoch and number are all that a sample
    depends on, as without shards: resuming is exact, and the number of processes changes nothing.

    Args:
        window: Shards that training reads from at a time; their photos are mixed.
        **photos: See ``GeolocationData``.

    Raises:
        InputError: If a setting is not allowed.
    """

    layout = "the shards and the index that tools/make_shards.py wrote"

    def __init__(self, *, window: int, **photos: Any) -> None:
        super().__init__(table=None, images=None, on_bad_row="error", **photos)
        check_number("data.window", window, at_least=1, whole=True)
        if self.copies:
            raise InputError(
                "data.cache: shards have no small copies. Make small photos when you pack them: "
                "tools/make_shards.py side=256"
            )
        self.window = window

    def places(self) -> tuple[Path, Path]:
        """The index and the folder that it is in."""
        folder = self.folder()
        return folder / INDEX, folder

    @cached_property
    def listed(self) -> dict[str, GeoPhotos]:
        """The photos of both splits as the index has them."""
        return dict(read_shards(self.folder()))

    def photos(self, split: str) -> GeoPhotos:
        # each was decoded before it was packed: to look at millions again would take hours
        if split not in self._photos and self.on_bad_image == "error":
            self._photos[split] = self.read(split)
        return super().photos(split)

    def cautions(self) -> list[str]:
        return []  # a photo in a shard is no file to be compared

    def train_sampler(self, **start: Any) -> EpochSampler:
        photos = cast(ShardPhotos, self.photos("train"))  # as read_shards gives them
        if self.album_size is not None:  # whose photos are in any shard
            return super().train_sampler(**start)
        shards = torch.from_numpy(photos.parts["shard"].astype("int64"))
        return WindowSampler(shards, window=self.window, **start)
