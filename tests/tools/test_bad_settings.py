"""The commands on settings out of bounds: one message that names the setting."""

import os
from pathlib import Path

import pytest

from tasks.common.machine.core_count import num_cores
from tasks.common.training import trainer
from tests.commands import run_inside
from tests.small_data import TRAIN, noise, refuses, write_coco, write_weights


@pytest.fixture(scope="module")
def coco(tmp_path_factory) -> Path:
    return write_coco(tmp_path_factory.mktemp("data") / "coco")


@pytest.mark.parametrize(
    "setting",
    [
        *(f"data.batch_size={value}" for value in (0, -1, "some")),
        *(f"data.image_size={value}" for value in (0, -5, 7, 96.5, "big", 10**6)),
        *(f"data.num_workers={value}" for value in (-1, "many")),
        *("data.on_bad_box=ignore", "data.on_bad_image=drop", "data=nothing"),
        *(f"trainer.max_epochs={value}" for value in (-3, "some")),
        *("trainer.max_steps=-7", "trainer.max_time=soon", "trainer.limit_val_batches=-1"),
        *("trainer.precision=nonsense", "trainer.accelerator=quantum"),
        *("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=null"),
        *("trainer.check_val_every_n_epoch=0", "trainer.limit_train_batches=1.5"),
        *("trainer.limit_val_batches=0", "trainer.max_time=5", "trainer.precision=bf16-true"),
        *("trainer.val_check_interval=1.5", "trainer.val_check_interval=50"),
        *("trainer.strategy=ddp_spawn", "trainer.devices=2", "trainer.num_nodes=2"),
        *("trainer.gradient_clip_val=-1", "+trainer.overfit_batches=1"),
        *(f"optim.lr={value}" for value in (-0.1, "nan", "fast")),
        *("optim.weight_decay=-1", "optim=adamm"),
        *("schedule.warmup_steps=-5", "schedule.final_factor=2"),
        *(f"backbone.width={value}" for value in (0, -1, "nan", "inf", "wide", 1000)),
        *("backbone.relu6=maybe", "backbone.same_padding=7", "task.freeze_batch_norm=maybe"),
        *(f"head.features={value}" for value in ("[c9]", "[]", "c5", "[c5,c4]", "[c4,c4]")),
        *(f"head.min_scale={value}" for value in (2, 0, -1)),
        *("head.max_scale=0.1", "head.nms_iou=3", "head.score_threshold=-1"),
        *("head.max_detections=0", "head.negatives_per_positive=-2", "head.box_weight=nan"),
        *(f"seed={value}" for value in (-1, "abc", 1.5, 2**40, "null")),
        *("ema_decay=2", "checkpoint_every_steps=-4", "pictures.count=-1"),
        "report=first",
        *("run_dir=", "resume=last"),
    ],
)
def test_train_refuses_by_name(setting: str, coco: Path, tmp_path: Path):
    done = run_inside("train", *TRAIN, f"data.root={coco}", setting, cwd=tmp_path)
    name = setting.partition("=")[0]
    # libraries call a setting by its last word, or what it stands for
    words = {"optim": "optim", "optim.lr": "", "trainer.max_time": ""}
    said = words.get(name, name.split(".")[-1])
    refuses(done, folder=tmp_path)
    assert said.lower() in done.stderr.lower()


def test_a_batch_of_one_needs_frozen_batch_norm(coco: Path, tmp_path: Path):
    settings = (*TRAIN, f"data.root={coco}", "data.batch_size=1")
    done = run_inside("train", *settings, cwd=tmp_path)
    refuses(done, "batch norm", "task.freeze_batch_norm=true", folder=tmp_path)
    done = run_inside("train", *settings, "task.freeze_batch_norm=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("photos", "said"),
    [
        (("data.num_train=3", "data.num_val=3"), "batch of 1 image for each of 2 processes"),
        (("data.num_train=4", "data.num_val=1"), "1 validation photos for 2 processes"),
    ],
)
def test_every_process_needs_photos(photos: tuple[str, str], said: str, tmp_path: Path):
    settings = (*TRAIN, "data=demo", "trainer=ddp", "trainer.accelerator=cpu", *photos)
    refuses(run_inside("train", *settings, cwd=tmp_path), said, folder=tmp_path / "run")


@pytest.mark.parametrize("devices", [0, -1, 99, 10**6])
def test_more_processes_than_devices_are_not_started(
    devices: int, coco: Path, tmp_path: Path, monkeypatch
):
    if 0 < devices <= num_cores():
        pytest.skip("this machine has as many")
    # out of reach, lest a thousand processes start if the check fails
    monkeypatch.setattr(trainer, "build", None)
    settings = (*TRAIN, f"data.root={coco}", f"trainer.devices={devices}")
    done = run_inside("train", *settings, cwd=tmp_path)
    refuses(done, f"trainer.devices={devices}", folder=tmp_path)


def test_another_target_must_take_what_is_set_beside_it(tmp_path: Path):
    target = "data.augmentation._target_=tasks.common.data.augmentation.plain"
    done = run_inside("train", "task=imagenet", "data=demo", target, cwd=tmp_path)
    refuses(done, "takes no min_area", "data.augmentation=null", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mobilenet_2_5_128_tf.h5", "weights of Keras, which are not read"),
        ("mobilenet_v1.ckpt.data-00000-of-00001", "weights of TensorFlow, which are not read"),
        ("net.onnx", "teacher=onnx teacher.file=net.onnx"),
    ],
)
def test_weights_of_other_frameworks_are_named(name: str, said: str, tmp_path: Path):
    (tmp_path / name).write_bytes(b"\x89HDF")
    done = run_inside("train", "task=imagenet", "data=demo", f"init={name}", cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    given = (f"source={name}", "output=ours.safetensors")
    assert said in run_inside("import_weights", *given, cwd=tmp_path).stderr


def test_a_published_network_is_no_checkpoint(tmp_path: Path):
    (tmp_path / "net.tflite").write_bytes(b"TFL3")
    done = run_inside("eval", "checkpoint=net.tflite", cwd=tmp_path)
    refuses(done, "A task starts from it with init=net.tflite", folder=tmp_path)


@pytest.mark.parametrize("name", ["file", "file/below"])
@pytest.mark.parametrize("tool", ["train", "eval", "predict"])
def test_folders_that_cannot_be_made_are_refused(tool: str, name: str, coco: Path, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    weights = write_weights(tmp_path / "small.safetensors")
    photo = tmp_path / "photo.png"
    noise().save(photo)
    settings = {
        "train": (*TRAIN[:-1], f"data.root={coco}", f"run_dir={name}"),
        "eval": ("task=ssd_coco", f"init={weights}", f"data.root={coco}", f"run_dir={name}"),
        "predict": ("task=ssd_coco", f"init={weights}", f"input={photo}", f"output={name}"),
    }
    refuses(run_inside(tool, *settings[tool], cwd=tmp_path), name, folder=tmp_path)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(coco: Path, tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    done = run_inside("train", *TRAIN[:-1], f"data.root={coco}", f"run_dir={closed}", cwd=tmp_path)
    refuses(done, closed, "permission", folder=tmp_path)


def test_names_that_are_numbers_are_names(tmp_path: Path):
    write_coco(tmp_path / "2017")
    done = run_inside("train", *TRAIN[:-1], "data.root=2017", "run_dir=5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "5" / "metrics.json").is_file()


def test_prepare_refuses_what_it_cannot_do(tmp_path: Path):
    (tmp_path / "file").touch()
    done = run_inside("prepare", "dataset=coco", "root=file", cwd=tmp_path)
    refuses(done, "root=file", folder=tmp_path)
    done = run_inside("prepare", "dataset=5", "root=data", cwd=tmp_path)
    refuses(done, "dataset=5", "voc2007", folder=tmp_path)
    assert not (tmp_path / "data").exists()
