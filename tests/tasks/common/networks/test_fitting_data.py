"""Data of another task are refused, naming those that fit."""

from pathlib import Path

import pytest
from hydra.utils import get_class

from tasks.common.networks.settling import data_type
from tasks.common.settings.composing import compose
from tests.commands import options, run_inside


@pytest.mark.parametrize("task", options("task"))
def test_each_task_fits_its_own_data(task: str):
    config = compose("train", [f"task={task}"])
    kind = data_type(get_class(config.task["_target_"]))
    assert kind is not object and issubclass(get_class(config.data["_target_"]), kind)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("task=face_attributes", "data=imagenet"), "takes celeba, csv, demo, fairface, table"),
        (("task=stanford_dogs", "data=fairface"), "imagenet, noisy_dogs, numbered, stanford_dogs"),
        (("task=planet", "data=imagenet"), "takes demo, geotagged, shards"),
        (("task=imagenet", "data=geotagged"), "data=geotagged does not fit task=imagenet"),
        (("task=imagenet", "data=shards"), "data=shards does not fit task=imagenet"),
        (("task=planet", "data=table"), "data=table does not fit task=planet"),
        (("task=facenet", "data=coco"), "takes demo, faces, identities"),
    ],
)
def test_data_of_another_task_are_refused(settings, said: str, tmp_path: Path):
    done = run_inside("train", *settings, f"data.root={tmp_path}", "run_dir=run", cwd=tmp_path)
    if "facenet" in settings[0]:
        done = run_inside("train", *settings, "run_dir=run", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
