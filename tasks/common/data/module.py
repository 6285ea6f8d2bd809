"""One loader factory for all applications."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backbone.description import MAX_IMAGE_SIZE
from backbone.errors import InputError, check_number
from tasks.common.data.labels import LabelMap
from tasks.common.data.loader import Loader
from tasks.common.data.samples import Place, Samples
from tasks.common.data.sampling import EpochSampler, ShardSampler
from tasks.common.data.spread import evenly
from tasks.common.images.decoding import ImageFile
from tasks.common.machine.cores import default_workers
from tasks.common.machine.workers import process_context, start_working

Collate = Callable[[Sequence[Any]], dict[str, Any]]

MIN_IMAGE_SIZE = 32  # one cell of the coarsest feature, whose stride this is
MAX_SEED = 2**32 - 1  # numpy's limit


class DataModule(ABC):
    """Training and validation data of an application.

    Nothing is read or written before ``prepare_data`` and ``setup``.

    Args:
        batch_size: Images of a training step, per process.
        num_workers: Loading processes; None for their share of the cores, at most 8.
        image_size: Side of the network's square input in pixels; None for what the weights of
            ``init=`` say, or else ``default_image_size``.
        seed: Of the order of samples and of their augmentation.

    Raises:
        InputError: If a number is outside its bounds.
    """

    default_image_size: int
    framing: str  # what of a photo the network sees, in words
    has_tiles: bool = False  # whether photos can be looked at part by part
    has_teacher: bool = False  # which sets the targets: then photos without any are of use

    def __init__(
        self, *, batch_size: int, num_workers: int | None, image_size: int | None, seed: int
    ) -> None:
        check_number("data.batch_size", batch_size, at_least=1, whole=True)
        if num_workers is not None:
            check_number("data.num_workers", num_workers, at_least=0, whole=True)
        if image_size is not None:
            check_number(
                "data.image_size",
                image_size,
                at_least=MIN_IMAGE_SIZE,
                at_most=MAX_IMAGE_SIZE,
                whole=True,
            )
        check_number("seed", seed, at_least=0, at_most=MAX_SEED, whole=True)
        self.batch_size = batch_size
        self.num_workers = default_workers() if num_workers is None else num_workers
        self.image_size = self.default_image_size if image_size is None else image_size
        self.train_sides = [self.image_size]  # by epoch; the last one holds for all after these
        self.seed = seed
        self.resume_at = {"epoch": 0, "batches": 0}  # of an interrupted run: its next batch

    label_map: LabelMap

    def prepare_data(self) -> None:  # noqa: B027 few have any
        """Writes what is drawn or fetched, by one process alone."""

    def setup(self, stage: str) -> None:  # noqa: B027
        """Reads what has to be read before ``fit`` or ``validate``."""

    @property
    @abstractmethod
    def train_set(self) -> Samples:
        """Samples by ``(epoch, index)``, augmented."""

    @property
    @abstractmethod
    def val_set(self) -> Samples:
        """Samples by ``(0, index)``, as they are."""

    @abstractmethod
    def predict_set(self, paths: Sequence[Path]) -> Samples:
        """The given photos, prepared as the validation data are."""

    @abstractmethod
    def train_photo(self, index: int) -> tuple[int | str, ImageFile]:
        """A training photo by its id in the data set, or its name without ids, and its file."""

    @abstractmethod
    def val_photo(self, index: int) -> tuple[ImageFile, dict[str, Any]]:
        """A validation photo and its truth, in the form of ``Task.entries``."""

    def telling_photos(self, count: int, *, among: int) -> list[int]:
        """Validation photos that stand for all, to draw: the same every time.

        Args:
            count: How many; all, if there are fewer.
            among: They are among the first so many.
        """
        return evenly(count, among=among)

    @property
    @abstractmethod
    def collate(self) -> Collate:
        """From samples to a batch: ``image`` (uint8), ``frame``, ``id``, ``errors`` and targets.

        ``frame``, ``(B, 2, 3)``, leads from pixels of the images to those of their photos,
        whatever was cut, turned or mirrored: see ``tasks.common.images.geometry``.
        ``errors`` are the messages of photos that could not be read. It is a plain function, or a
        ``partial`` of one: with the data set it travels to the loading processes, and a method
        would take this object and all that it has read with it.
        """

    def of(self, part: str) -> "DataModule":
        """The data of a part of several tasks in one; any other is its only part."""
        return self

    def preparation(self) -> dict[str, Any]:
        """How photos are prepared for a network, as far as targets on disk depend on it."""
        return {}

    def settings_of_photos(self) -> dict[str, str]:
        """The settings that decide what of a photo the network sees, by their keys."""
        return {}

    def train_paths(self) -> list[Path]:
        """The training photos, in the order of their index.

        Raises:
            InputError: If these data show parts of a photo in training, for which targets of the
                whole photo are wrong.
        """
        raise self._parts_shown()

    def plain_train_set(self, side: int) -> Samples:
        """The training photos as they are, at a side in pixels, for a teacher to look at.

        Raises:
            InputError: As ``train_paths``.
        """
        raise self._parts_shown()

    def _parts_shown(self) -> InputError:
        return InputError(
            f"teacher=table: {type(self).__name__} shows random parts of photos in training, and "
            "targets on disk are of whole ones. Give the teacher itself"
        )

    def own_teacher(self) -> Any:
        """The ``Teacher`` of data that come with targets, or None; one that is named wins."""
        return None

    def report_lines(self) -> list[str]:
        """What was read, repaired and left out, for ``report.txt``."""
        return []

    def cautions(self) -> list[str]:
        """What to bear in mind about figures on these data, a line each."""
        return []

    def train_dataloader(self) -> Loader:
        """Shuffled batches, from where an interrupted run stopped."""
        sampler = self.train_sampler(
            seed=self.seed,
            batch_size=self.batch_size,
            epoch=self.resume_at["epoch"],
            skipped_batches=self.resume_at["batches"],
        )
        # an incomplete last batch would have batch norm statistics of a few images
        return self.loader(self.train_set, sampler, drop_last=len(sampler) >= self.batch_size)

    def train_sampler(self, **start: Any) -> EpochSampler:
        """The order of training; ``start`` is what every ``EpochSampler`` takes."""
        return EpochSampler(len(self.train_set), **start)  # type: ignore[arg-type]

    def val_dataloader(self) -> Loader:
        """Every validation sample once."""
        return self.loader(self.val_set, ShardSampler(len(self.val_set)))  # type: ignore[arg-type]

    def predict_dataloader(self, paths: Sequence[Path] = ()) -> Loader:
        """Batches of the given photos."""
        return self.loader(self.predict_set(paths), ShardSampler(len(paths)))

    def tile_loader(self, paths: Sequence[Path], *, side: int, overlap: float) -> Loader:
        """Batches of the parts of each of the given photos, a photo each.

        Args:
            paths: The photos.
            side: Of the parts, in pixels of the photo.
            overlap: Of neighbours, as a share of it.

        Raises:
            InputError: If these data are looked at as a whole.
        """
        raise InputError(f"tile={side}: only detection of boxes looks at photos part by part")

    def loader(
        self,
        dataset: Samples,
        sampler: Iterable[Place],
        *,
        drop_last: bool = False,
        batch_size: int | None = None,
        collate_fn: Collate | None = None,
    ) -> Loader:
        """The one place where loaders are made; what is not given is the data module's."""
        context = process_context() if self.num_workers else None
        return Loader(
            dataset,  # type: ignore[arg-type]  # torch asks for no more of it
            batch_size=batch_size or self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            collate_fn=collate_fn or self.collate,
            drop_last=drop_last,
            pin_memory=torch.cuda.is_available(),
            multiprocessing_context=context,
            # what takes seconds to start, since it imports everything anew, is kept for all epochs
            persistent_workers=context is not None and context.get_start_method() != "fork",
            worker_init_fn=start_working,
            # without its own generator, making an iterator would draw from the global one, and a
            # run resumed at an epoch's end would differ from one that went through
            generator=torch.Generator().manual_seed(self.seed),
        )


def stack_images(images: Sequence[np.ndarray], size: int) -> Tensor:
    """``(H, W, 3)`` pictures to ``(B, 3, H, W)``, channels last in memory as they came.

    Args:
        images: All of one size.
        size: Side of the empty batch that none of them make.
    """
    if not images:
        return torch.zeros(0, 3, size, size, dtype=torch.uint8)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def stack_frames(frames: Sequence[np.ndarray]) -> Tensor:
    """Frames ``(2, 3)`` to ``(B, 2, 3)``, float32: not every accelerator has more."""
    return torch.from_numpy(np.array(frames, np.float32).reshape(-1, 2, 3))
