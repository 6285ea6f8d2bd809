"""Data sets that are trained on together, a batch of each in every step."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from backbone.errors import InputError, check_choice, settings_of
from heads.multitask import check_part
from tasks.common.data.labels import JointLabels, joint_labels
from tasks.common.data.loader import Loader
from tasks.common.data.module import Collate, DataModule
from tasks.common.data.samples import Samples
from tasks.common.images.bad_images import BAD_IMAGE_POLICIES
from tasks.common.images.decoding import ImageFile
from tasks.common.multitask.sampling import JointSampler, JointSet, Turn, collate


class MultitaskData(DataModule):
    """The data of several tasks, whose photos have one size.

    A step takes a batch of every part. An epoch is that of the part with the most batches; the
    others are gone through again, each in epochs of its own. In validation every photo of every
    part is looked at once, by its own part.

    Args:
        predict_as: The part as whose photos new ones are prepared, for all parts.
        batch_size: Of each part that has none of its own.
        on_bad_image: ``error`` or ``skip``, for photos to predict on.
        num_workers: See ``DataModule``.
        image_size: Of all parts; see ``DataModule``.
        seed: See ``DataModule``.
        **parts: Make the data of each part, once they are told ``image_size``.

    Raises:
        InputError: If a part is unknown, or has a size of its own.
    """

    default_image_size = 224

    def __init__(
        self,
        *,
        predict_as: str,
        batch_size: int,
        num_workers: int | None,
        image_size: int | None,
        seed: int,
        on_bad_image: str,
        **parts: "partial[DataModule]",
    ) -> None:
        super().__init__(
            batch_size=batch_size, num_workers=num_workers, image_size=image_size, seed=seed
        )
        check_part("data.predict_as", predict_as, parts=parts)
        check_choice("data.on_bad_image", on_bad_image, allowed=BAD_IMAGE_POLICIES)
        self.predict_as = predict_as
        self.parts: dict[str, DataModule] = {}
        for name, part in parts.items():
            own = part.keywords.get("image_size")
            if own not in (None, self.image_size):
                raise InputError(
                    f"data.{name}.image_size={own}: all parts are shown to one backbone at "
                    f"{self.image_size} pixels. Give data.image_size={own}, for all of them"
                )
            with settings_of("data", name):
                self.parts[name] = part(image_size=self.image_size)
            if self.parts[name].train_sides != self.train_sides:
                raise InputError(
                    f"data.{name}.resolution.start: photos of parts cannot grow in training, "
                    "since all parts are shown at one size. Leave it out"
                )
        self.batch_size = sum(part.batch_size for part in self.parts.values())

    @property
    def label_map(self) -> JointLabels:  # type: ignore[override]
        """The classes of each part."""
        return joint_labels(self._of_parts(lambda part: part.label_map))

    def of(self, part: str) -> DataModule:
        check_part("task.taught", part, parts=self.parts)
        return self.parts[part]

    def _of_parts(self, find: Callable[[DataModule], Any]) -> dict[str, Any]:
        """Something of each part, by name."""
        found = {}
        for name, part in self.parts.items():
            with settings_of("data", name):
                found[name] = find(part)
        return found

    def prepare_data(self) -> None:
        self._of_parts(lambda part: part.prepare_data())

    @property
    def framing(self) -> str:  # type: ignore[override]
        return "; ".join(dict.fromkeys(part.framing for part in self.parts.values()))

    def settings_of_photos(self) -> dict[str, str]:
        """Those of each part."""
        return {
            key.replace("data.", f"data.{name}.", 1): value
            for name, part in self.parts.items()
            for key, value in part.settings_of_photos().items()
        }

    def setup(self, stage: str) -> None:
        self._of_parts(lambda part: part.setup(stage))

    @cached_property
    def train_set(self) -> JointSet:
        """The training samples of all parts."""
        return JointSet(self._of_parts(lambda part: part.train_set))

    @cached_property
    def val_set(self) -> JointSet:
        """The validation samples of all parts."""
        return JointSet(self._of_parts(lambda part: part.val_set))

    def predict_set(self, paths: Sequence[Path]) -> Samples:
        """The given photos, as those of ``predict_as``."""
        return self.parts[self.predict_as].predict_set(paths)

    def predict_dataloader(self, paths: Sequence[Path] = ()) -> Loader:
        return self.parts[self.predict_as].predict_dataloader(paths)

    def train_dataloader(self) -> Loader:
        turns = [
            Turn(
                partial(part.train_sampler, seed=part.seed, batch_size=part.batch_size),
                part.batch_size,
                self.train_set.numbers(name),
            )
            for name, part in self.parts.items()
        ]
        sampler = JointSampler(
            turns, epoch=self.resume_at["epoch"], skipped_batches=self.resume_at["batches"]
        )
        return self.loader(self.train_set, sampler, batch_size=sampler.step_size)

    def train_photo(self, index: int) -> tuple[str, ImageFile]:
        """A training photo, whose id begins with the part that it belongs to."""
        name, own = self.train_set.place(index)
        number, file = self.parts[name].train_photo(own)
        return f"{name}/{number}", file

    def val_photo(self, index: int) -> tuple[ImageFile, dict[str, Any]]:
        """A validation photo and its truth, with the ``part`` that it belongs to."""
        name, own = self.val_set.place(index)
        path, truth = self.parts[name].val_photo(own)
        return path, {"part": name, **truth}

    def telling_photos(self, count: int, *, among: int) -> list[int]:
        """As many of each part."""
        chosen = []
        for number, (name, part) in enumerate(self.parts.items()):
            numbers = self.val_set.numbers(name)
            numbers = numbers[numbers < among]
            share = len(range(number, count, len(self.parts)))
            chosen += numbers[part.telling_photos(share, among=len(numbers))].tolist()
        return chosen

    @property
    def collate(self) -> Collate:
        return partial(collate, parts={name: part.collate for name, part in self.parts.items()})

    def report_lines(self) -> list[str]:
        """Those of each part."""
        return [
            line
            for name, lines in self._of_parts(lambda part: part.report_lines()).items()
            for line in ([f"data.{name}:", *(f"  {line}" for line in lines)] if lines else [])
        ]
