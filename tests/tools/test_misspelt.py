"""What no command reads is refused, with what may be meant; also where it is added with a ``+``."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from tasks.common.settings.configs import CONFIGS
from tasks.common.settings.hints import NOTES, SETTINGS, is_group, options_of
from tests.commands import ROOT, Finished, options, run_inside

TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("[a-z]*.py"))
NEEDED = {
    "train": ["task=ssd_coco"],
    "cache_teacher": ["task=imagenet", "teacher=checkpoint"],
    "prepare": ["dataset=voc2007"],
}


def run(tool: str, *arguments: str, cwd: Path) -> Finished:
    return run_inside(tool, *NEEDED.get(tool, []), *arguments, cwd=cwd)


def refuses(done: Finished, *said: str, folder: Path) -> None:
    assert done.returncode == 2, done
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr, done.stderr
    for text in said:
        assert text in done.stderr
    assert not list(folder.iterdir())  # nothing was begun


@pytest.mark.parametrize(
    ("tool", "added"), [*((tool, added) for tool in TOOLS for added in ("", "+")), ("train", "++")]
)
def test_no_command_takes_what_it_does_not_read(tool: str, added: str, tmp_path: Path):
    done = run(tool, f"{added}nothing_like_it=1", cwd=tmp_path)
    refuses(done, "There is no setting nothing_like_it.\nSettings: ", folder=tmp_path)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("+callbacks.early_stopping.patience=3", "trainer.patience"),
        ("+trainer.early_stopping=3", "trainer.patience"),
        ("+trainer.max_epoch=3", "trainer.max_epochs=3"),
        ("+lr_find=true", "trainer.find_lr=true"),
        ("+data.nothing=1", "Settings of data: "),
        ("+data.augmentation.nothing=1", "Settings of data.augmentation: "),
        ("+pictures.nothing=1", "Settings of pictures: "),
        ("+optim._args_=[1]", "Settings of optim: "),
        ("+optim.params=1", "optim.params"),
        ("optim._partial_=false", "optim._partial_"),
        ("+trainer.profiler=5", "trainer.profiler=5"),
        ("+trainer.deterministic=word", "trainer.deterministic=word"),
        ("trainer.limit_val_batches=word", "trainer.limit_val_batches=word"),
        ("+task.backbone=1", "task.backbone"),
        ("+head.in_channels=1", "head.in_channels"),
        ("+seed=1", "without the +"),
        ("+experiment=imagenet_paper", "without the +"),
        ("++seed=some", "a whole number"),
        ("++trainer.max_epochs=some", "a whole number"),
        ("~nothing", "nothing"),
        ("~optim.lr", "~optim.lr"),
        ("~trainer", "~trainer"),
        ("optim.momentum=0.9", "optim=rmsprop and of optim=sgd"),
        ("momentum=0.9", "optim=rmsprop and of optim=sgd"),
        ("optim=adam", "Did you mean optim=adamw?"),
        ("model=mine.pt", "checkpoint=mine.pt or init=mine.pt"),
        ("seed", "Did you mean seed?"),
    ],
)
def test_train_refuses_what_it_would_not_read(argument: str, said: str, tmp_path: Path):
    refuses(run("train", "data=demo", argument, cwd=tmp_path), said, folder=tmp_path)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        *((tool, "data=demo", "give checkpoint=FILE or task=") for tool in ("eval", "export")),
        ("predict", "data=table input=x output=y", "data=table is another for each task"),
        ("cost", "data=demo", "data=demo is another for each task: give task="),
        ("eval", "-m data=demo seed=0,1", "data=demo is another for each task"),
        ("eval", "data=demo checkpoint=none.ckpt", "checkpoint=none.ckpt is missing"),
        ("train", "task = imagenet", "arguments are key=value, without blanks: task=imagenet"),
        ("train", "task =imagenet", "arguments are key=value, without blanks: task=imagenet"),
    ],
)
def test_what_a_command_needs_is_said(tool: str, arguments: str, said: str, tmp_path: Path):
    done = run_inside(tool, *arguments.split(), cwd=tmp_path)
    refuses(done, said, folder=tmp_path)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["callbacks", "logger", "plugins", "default_root_dir"])
def test_what_is_made_of_other_settings_is_refused(name: str, tmp_path: Path):
    settings = ("data=demo", "data.num_train=2", "data.num_val=1", f"+trainer.{name}=[]")
    done = run("train", *settings, cwd=tmp_path)
    assert done.returncode == 2, done
    assert done.stderr.startswith(f"error: {name}: ") and "Leave it out" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["+trainer.profiler=simple", "+optim.betas=[0.9,0.99]", "+optim.foreach=true"],
        ["trainer=ddp", "+trainer.strategy.find_unused_parameters=true"],
        ["++optim.lr=0.1", "hydra.verbose=false", "+hydra.job.env_set.A=1"],
    ],
)
def test_what_a_section_takes_may_be_added(arguments: list[str], tmp_path: Path):
    done = run("cost", "task=ssd_coco", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("tool", "given", "meant"),
    [
        ("train", "lr=0.01", "optim.lr=0.01"),
        ("train", "optim.learning_rate=0.01", "optim.lr=0.01"),
        ("train", "trainer.lr=0.01", "optim.lr=0.01"),
        ("train", "epochs=3", "trainer.max_epochs=3"),
        ("train", "max_epochs=3", "trainer.max_epochs=3"),
        ("train", "batch=8", "data.batch_size=8"),
        ("train", "batch_size=8", "data.batch_size=8"),
        ("train", "imgsz=320", "data.image_size=320"),
        ("train", "workers=2", "data.num_workers=2"),
        ("train", "device=cpu", "trainer.accelerator=cpu or trainer.devices=NUMBER"),
        ("train", "device=0", "trainer.devices=NUMBER"),
        ("train", "weights=a.ckpt", "init=a.ckpt"),
        ("train", "pretrained=true", "init"),
        ("train", "name=mine", "run_dir=mine"),
        ("train", "amp=true", "trainer.precision=auto|32-true|16-mixed|bf16-mixed"),
        ("train", "freeze=true", "task.freeze_backbone=true or task.freeze_batch_norm=true"),
        ("train", "opt=sgd", "optim=sgd"),
        ("train", "optimizer=Adam", "optim=adamw|rmsprop|sgd"),
        ("train", "weight_decay=1e-4", "optim.weight_decay=1e-4"),
        ("train", "width=0.5", "backbone.width=0.5"),
        ("train", "iou=0.5", "head.nms_iou=0.5"),
        ("train", "exist_ok=true", "overwrite=true"),
        ("predict", "conf=0.5", "min_score=0.5 or head.score_threshold=0.5"),
        ("predict", "source=photos", "input=photos"),
        ("predict", "weights=a.ckpt", "checkpoint=a.ckpt or init=a.ckpt"),
        ("predict", "project=mine", "output=mine"),
        ("eval", "batch-size=8", "data.batch_size=8"),
        ("eval", "ckpt=a.ckpt", "checkpoint=a.ckpt or init=a.ckpt"),
        ("bench", "batch=8", "data.batch_size=8"),
        ("prepare", "name=coco", "dataset=coco"),
    ],
)
def test_the_setting_that_is_meant_is_named_with_its_value(
    tool: str, given: str, meant: str, tmp_path: Path
):
    task = [] if tool in NEEDED else ["task=ssd_coco"]
    said = f" Did you mean {meant}?\n"
    refuses(run(tool, *task, given, cwd=tmp_path), said, folder=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["--epochs", "10"], "trainer.max_epochs=10"),
        (["--epochs=10"], "trainer.max_epochs=10"),
        (["--batch-size", "16"], "data.batch_size=16"),
        (["-b", "16"], "data.batch_size=16"),
        (["-j", "2"], "data.num_workers=2"),
        (["--seed", "1"], "seed=1"),
        (["ssd_coco"], "task=ssd_coco"),
    ],
)
@pytest.mark.parametrize("before", [[], ["task=imagenet"]])
def test_arguments_of_the_usual_form_get_ours(
    arguments: list[str], meant: str, before: list[str], tmp_path: Path
):
    done = run_inside("train", *before, *arguments, cwd=tmp_path)
    said = f"error: {' '.join(arguments)}: arguments are key=value. Did you mean {meant}?"
    refuses(done, said, folder=tmp_path)


def every_setting() -> set[str]:
    """The settings and groups of every command, with every task where it has one."""
    found: set[str] = set()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for tool in TOOLS:
            has_task = "task" in OmegaConf.to_yaml(OmegaConf.load(CONFIGS / f"{tool}.yaml"))
            for task in options("task") if has_task and tool in ("train", "predict") else [None]:
                chosen = [f"task={task}"] if task else NEEDED.get(tool, [])
                config = compose(tool, overrides=chosen)
                found |= set(paths(OmegaConf.to_container(config, resolve=False)))
    return found


def paths(content: object, parent: str = "") -> list[str]:
    if not isinstance(content, dict):
        return []
    return [
        path
        for name, value in content.items()
        for path in (f"{parent}{name}", *paths(value, f"{parent}{name}."))
    ]


def test_the_settings_that_hints_name_are_there():
    there = every_setting()
    for entry, names in SETTINGS.items():
        path, _, allowed = entry.partition("=")
        assert set(path.split("|")) <= there, entry
        if is_group(path) and allowed:
            assert allowed in options_of(path)
        assert names.split() and not set(names.split()) & NOTES.keys()
    assert not NOTES.keys() & {path for path in there if "." not in path} - {
        "num_classes",
        "classes",
    }


TASKS = ("ssd_coco", "imagenet", "facenet", "multitask_faces", "planet")


@pytest.mark.parametrize(
    ("task", "value"),
    [*((task, "null") for task in TASKS), *((TASKS[0], value) for value in ("5", "word", "[1,2]"))],
)
def test_a_section_that_is_needed_cannot_be_anything_else(task: str, value: str, tmp_path: Path):
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", overrides=[f"task={task}", "run_dir=run"])
    sections = [str(name) for name in config if OmegaConf.is_dict(config.get(name))]
    assert {"backbone", "data", "head", "optim", "pictures", "schedule", "trainer"} <= {*sections}
    for name in sections:
        if name == "pictures" and value == "null":
            continue  # which wants none
        done = run_inside("train", f"task={task}", "data=demo", f"{name}={value}", cwd=tmp_path)
        refuses(done, name, folder=tmp_path)


@pytest.mark.parametrize(
    ("tool", "setting"),
    [
        *(("train", f"{key}=null") for key in ("seed", "pictures.count")),
        *(("train", f"{key}=null") for key in ("pictures.min_score", "data.batch_size")),
        *(("train", f"{key}=null") for key in ("optim.lr", "head.nms_iou", "data.on_bad_image")),
        *(("train", f"{key}=null") for key in ("trainer.devices", "trainer.num_nodes")),
        ("train", "schedule.warmup_steps=null"),
        *(("eval", f"{key}=null") for key in ("seed", "pictures.count", "trainer.accelerator")),
        *(("predict", f"{key}=null") for key in ("input", "output", "heat_map")),
        *(("train", f"{key}=[1,2]") for key in ("seed", "init_classes", "data.batch_size")),
        *(("train", f"{key}={{a:1}}") for key in ("seed", "optim.lr")),
        ("train", "seed=true"),
    ],
)
def test_values_of_another_kind_are_refused(tool: str, setting: str, tmp_path: Path):
    given = ["task=ssd_coco", *(["input=a", "output=b"] if tool == "predict" else [])]
    done = run_inside(tool, *given, setting, cwd=tmp_path)
    refuses(done, f"{setting.partition('=')[0]}=", folder=tmp_path)
