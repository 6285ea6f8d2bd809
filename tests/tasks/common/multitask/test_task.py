"""What parts of a joint task share, and in which order their samples come."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch.utils.data import Dataset

from backbone.mobilenet import MobileNet
from heads.classification import ClassificationHead
from heads.multitask import MultitaskHead
from tasks.classification.task import ClassificationTask
from tasks.common.data.labels import LabelMap, joint_labels
from tasks.common.data.samples import Sample
from tasks.common.data.sampling import EpochSampler
from tasks.common.multitask.metric import joined
from tasks.common.multitask.sampling import JointSampler, JointSet, Turn
from tasks.common.multitask.task import MultitaskTask
from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.targets import build
from tasks.common.training.schedule import constant

PETS, FRUIT = LabelMap(("cat", "dog"), (3, 5)), LabelMap(("fig", "pear", "plum"), (1, 2, 9))


class Places(Dataset[Sample]):
    """Samples that say where they are."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, place: tuple[int, int]) -> Sample:
        return {"place": place}


def test_samples_are_numbered_in_turns() -> None:
    joint = JointSet({"a": Places(2), "b": Places(4)})
    assert [joint.place(number) for number in range(len(joint))] == [
        *(("a", 0), ("b", 0), ("a", 1), ("b", 1), ("b", 2), ("b", 3)),
    ]
    assert joint.numbers("b").tolist() == [1, 3, 4, 5]
    assert joint[7, 4] == {"part": "b", "id": 4, "sample": {"place": (7, 2)}}


LENGTHS, BATCHES = (10, 7, 1), (2, 3, 2)
SETS = JointSet({str(length): Places(length) for length in LENGTHS})


def steps(*, epoch: int = 0, skipped: int = 0, until: int = 1) -> list[list[tuple[int, int]]]:
    """The places of each step of some epochs."""
    turns = [
        Turn(
            partial(EpochSampler, length, seed=0, batch_size=size), size, SETS.numbers(str(length))
        )
        for length, size in zip(LENGTHS, BATCHES, strict=True)
    ]
    sampler = JointSampler(turns, epoch=epoch, skipped_batches=skipped)
    places = []
    for number in range(epoch, until):
        sampler.set_epoch(number)
        places += list(sampler)
    size = sampler.step_size
    assert len(sampler) == 5 * size
    return [places[start : start + size] for start in range(0, len(places), size)]


def test_a_step_takes_a_batch_of_each_and_all_that_a_small_one_has() -> None:
    for step in steps():
        parts = [SETS.place(number)[0] for _, number in step]
        assert parts == ["10", "10", "7", "7", "7", "1"]


def test_each_part_goes_through_its_own_epochs() -> None:
    for length, per_epoch in zip(LENGTHS, (5, 2, 1), strict=True):
        own = [[p for p in step if SETS.place(p[1])[0] == str(length)] for step in steps(until=2)]
        for number, batch in enumerate(own):
            assert {epoch for epoch, _ in batch} == {number // per_epoch}
        first = [number for step in own[:per_epoch] for _, number in step]
        assert len(set(first)) == len(first) >= length - length % max(len(own[0]), 1)


@pytest.mark.parametrize("done", [1, 4, 5, 8])
def test_it_goes_on_from_any_step(done: int) -> None:
    epoch, skipped = divmod(done, 5)
    assert steps(epoch=epoch, skipped=skipped, until=2) == steps(until=2)[done:]


def make() -> MultitaskTask:
    """Two classifiers, whose names for everything are the same."""
    names = ("pet", "fruit")
    torch.manual_seed(0)
    head = partial(
        MultitaskHead,
        parts=dict.fromkeys(names, ClassificationHead),
        weights=dict.fromkeys(names, 1.0),
    )
    return MultitaskTask(
        parts=dict.fromkeys(names, partial(ClassificationTask)),
        taught="pet",
        head=head,
        backbone=MobileNet(width=0.25),
        label_map=joint_labels({"pet": PETS, "fruit": FRUIT}),
        image_size=32,
        optimizer=partial(torch.optim.SGD, lr=0.1),
        schedule=constant,
    )


def test_each_part_has_its_own_classes_and_says_them_in_its_own_ids() -> None:
    task = make().eval()
    batch = {"image": torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8), "id": torch.arange(2)}
    with torch.no_grad():
        entries = task.entries(task.records(task.predictions(batch), batch))
    assert len(entries) == 2
    for entry in entries:
        assert {row["id"] for row in entry["pet/classes"]} == {3, 5}
        assert {row["name"] for row in entry["fruit/classes"]} == {"fig", "pear", "plum"}
    photo = torch.full((60, 90, 3), 128, dtype=torch.uint8).numpy()
    assert (task.draw(photo, entries[0]) != 128).any()


def test_the_description_gives_the_classes_back() -> None:
    task = make()
    saved = task.description()["label_map"]
    assert saved["names"] == ["pet/cat", "pet/dog", "fruit/fig", "fruit/pear", "fruit/plum"]
    assert LabelMap.from_dict(saved) == task.label_map
    theirs = joint_labels(
        {"fruit": LabelMap(("plum", "kiwi", "pear", "fig"), (1, 2, 3, 4)), "pet": PETS}
    )
    assert task.label_map.places_in(theirs) == {"pet": [0, 1], "fruit": [3, 2, 0]}


def test_parts_share_the_backbone_and_add_nothing_to_what_is_saved() -> None:
    task = make()
    assert {name.split(".")[0] for name, _ in task.named_parameters()} == {"backbone", "head"}
    assert not any(name.startswith("parts.") for name in task.state_dict())
    assert all(part.backbone is task.backbone for part in task.parts.values())


def test_names_of_several_parts_say_whose_they_are() -> None:
    parts: dict[str, dict[str, Any]] = {"a": {"map": 1, "x": 2}, "b": {"map": 3, "y": 4}}
    assert joined(parts) == {"a/map": 1, "x": 2, "b/map": 3, "y": 4}


def test_any_data_sets_of_one_image_size_go_together(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        **{"_target_": "tasks.common.multitask.data.MultitaskData", "predict_as": "dogs"},
        **{"batch_size": 4, "num_workers": 0, "image_size": 32, "seed": 0, "on_bad_image": "error"},
    }
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for name, task in (("things", "imagenet"), ("dogs", "stanford_dogs")):
            overrides = [f"task={task}", "data=demo", f"run_dir={tmp_path / name}"]
            overrides += ["data.num_train=12", "data.num_val=6", "data.batch_size=4"]
            config = compose("train", overrides=overrides)
            OmegaConf.resolve(config.data)
            settings[name] = {**config.data, "_partial_": True, "image_size": None}
    data = build(OmegaConf.create(settings))
    data.prepare_data()
    batches = list(data.train_dataloader())
    assert len(batches) == 3
    for batch in batches:
        assert batch["image"].shape == (8, 3, 32, 32)
        assert [len(part["target"]) for part in batch["parts"].values()] == [4, 4]
    seen = torch.cat([batch["id"] for batch in batches])
    assert sorted(seen.tolist()) == list(range(24))
    seen = torch.cat([batch["id"] for batch in data.val_dataloader()])
    assert sorted(seen.tolist()) == list(range(12))
    names = [data.val_photo(number)[1]["part"] for number in range(4)]
    assert names == ["things", "dogs", "things", "dogs"]
    assert set(data.label_map.parts) == {"things", "dogs"}
    photos = [data.val_photo(0)[0]]
    (batch,) = data.predict_dataloader(photos)
    assert batch["image"].shape == (1, 3, 32, 32) and "parts" not in batch
