"""What somebody may have meant who named a setting that there is not."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from tasks.common.settings.configs import CONFIGS

# What is called otherwise by ultralytics, RF-DETR, timm, torchvision's references, mmdetection and
# TensorFlow's detection API. `a|b` is the first of these that a command has.
FILES = (
    "weights pretrained ckpt model_path load_from pretrain_weights initial_checkpoint "
    "fine_tune_checkpoint"
)
SETTINGS: Mapping[str, str] = {
    "trainer.max_epochs": "epochs num_epochs n_epochs num_train_epochs",
    "trainer.max_steps": "iterations iters max_iter max_iters num_steps num_train_steps",
    "trainer.max_time": "time max_train_time",
    "trainer.accelerator": "device gpu",
    "trainer.devices=NUMBER": "device",
    "trainer.devices": "gpus num_gpus nproc_per_node world_size",
    "trainer.num_nodes": "nodes nnodes",
    "trainer.precision=auto|32-true|16-mixed|bf16-mixed": (
        "amp half fp16 bf16 mixed_precision use_amp"
    ),
    "trainer.gradient_clip_val": "clip_grad grad_clip clip_max_norm clip_grad_norm max_grad_norm",
    "trainer.accumulate_grad_batches": (
        "accumulate accum_iter grad_accum_steps gradient_accumulation_steps"
    ),
    "trainer.check_val_every_n_epoch": "val_interval eval_interval val_every",
    "trainer.log_every_n_steps": "log_interval print_freq log_every",
    "trainer=ddp": "ddp distributed launcher dist_url",
    "data.batch_size": "b batch bs batchsize train_batch_size samples_per_gpu",
    "data.image_size": "imgsz img img_size img_scale input_size resolution size",
    "data.num_workers": "j workers num_data_workers workers_per_gpu",
    "data.root": "data_path data_dir data_root dataset_dir",
    "data": "dataset dataset_file",
    "dataset": "name",
    "optim.lr": "learning_rate lr0 base_lr init_lr initial_learning_rate",
    "optim.weight_decay": "wd",
    "optim": "opt optimizer",
    "schedule": "sched scheduler lr_scheduler",
    "schedule.warmup_steps=STEPS": "warmup warmup_epochs warmup_iters lr_warmup_epochs",
    "backbone": "arch architecture net network encoder",
    "backbone.width": "alpha depth_multiplier width_mult width_multiplier",
    "checkpoint": FILES,
    "init": FILES,
    "resume": "resume_from auto_resume",
    "input": "source img_dir image images input_dir",
    "output|run_dir": (
        "name project o out outdir output_dir save_dir save_path work_dir log_dir logdir "
        "model_dir experiment_name"
    ),
    "overwrite": "exist_ok force",
    "every": "vid_stride frame_stride frame_step",
    "tile": "slice_size slice_width slice_height crop_size",
    "min_score|pictures.min_score": "conf conf_thres confidence threshold score_thr",
    "head.score_threshold": "conf conf_thres confidence threshold score_thr box_score_thresh",
    "head.nms_iou": "iou iou_thres nms nms_thresh box_nms_thresh",
    "head.max_detections": "max_det max_dets num_select",
    "head.dropout": "drop",
    "task.freeze_backbone": "freeze freeze_encoder frozen_stages",
    "task.freeze_batch_norm": "freeze freeze_bn norm_eval",
    "task.compile": "torchcompile torch_compile",
    "trainer.patience": "early_stopping early_stop early_stopping_patience",
    "trainer.find_lr=true": "lr_find auto_lr_find find_lr lr_finder auto_lr auto_scale_lr",
    "ema_decay": "ema use_ema model_ema model_ema_decay",
    "checkpoint_every_steps": "save_period save_freq save_interval checkpoint_interval",
    "seed": "random_seed manual_seed",
}
CLASSES = "Classes come from the data, or with the weights."
ALWAYS = "Figures are always written, and pictures unless pictures=null."
NOTES = {
    **dict.fromkeys(("classes", "num_classes", "nc", "names", "class_names"), CLASSES),
    **dict.fromkeys(("save", "save_txt", "show", "plots", "visualize"), ALWAYS),
}
ALIKE = 0.75  # of names anywhere else than where the misspelt one is


def no_such_setting(key: str, value: str | None, config: DictConfig) -> str:
    """The message about a setting that there is not, with what may be meant, or else all there are.

    Args:
        key: As given, with its section.
        value: As given; None if there was none.
        config: The command's, without it.
    """
    message = f"There is no setting {key}.{hint(key, value, config)}"
    parent = key.rpartition(".")[0]
    section: Any = OmegaConf.select(config, parent) if parent else config
    if not isinstance(section, DictConfig):
        parent, section = "", config
    names = ", ".join(sorted(str(name) for name in section if not str(name).startswith("_")))
    return f"{message}\nSettings{' of ' + parent if parent else ''}: {names or 'none'}"


def hint(key: str, value: str | None, config: DictConfig) -> str:
    """What may be meant by a key that there is not, as a sentence after a space, or nothing."""
    found = [_written(entry, value, config) for entry in meant(key, config)]
    fitting = [text for text, fits in found if fits] or [text for text, _ in found]
    if fitting:
        return f" Did you mean {' or '.join(fitting)}?"
    name = _plain(key)
    if name in NOTES:
        return f" {NOTES[name]}"
    if elsewhere := _options_with(name):
        return f" It is a setting of {' and of '.join(elsewhere)}."
    return ""


def meant(key: str, config: DictConfig) -> list[str]:
    """The settings of a config that may be meant by a key that there is not."""
    there = _settings(config)
    parent, name = key.rpartition(".")[0], _plain(key)
    beside = {path.rpartition(".")[2]: path for path in there if path.rpartition(".")[0] == parent}
    if parent and (near := difflib.get_close_matches(name, beside, n=1)):
        return [beside[near[0]]]
    if known := _by_another_name(name, there):
        return known
    if name in NOTES:
        return []
    if same := [path for path in there if path.rpartition(".")[2] == name and path != key]:
        depth = min(path.count(".") for path in same)
        return [path for path in same if path.count(".") == depth]
    if near := difflib.get_close_matches(name, beside, n=1):
        return [beside[near[0]]]
    last = {path.rpartition(".")[2]: path for path in reversed(there)}
    return [last[near] for near in difflib.get_close_matches(name, last, n=1, cutoff=ALIKE)]


def what_is(key: str, command: str) -> str:
    """What the command's YAML says beside a setting, or nothing.

    >>> what_is("output", "predict").partition(", predictions.json,")[0]
    'a folder, which gets predictions.jsonl'
    """
    for line in (CONFIGS / f"{command}.yaml").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{key}:"):
            return line.partition(" # ")[2].strip()
    return ""


def options_of(group: str) -> list[str]:
    """What may be chosen for a group of settings."""
    return sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))


def is_group(key: str) -> bool:
    """Whether a key chooses a file of settings, as ``data`` and ``teacher@teachers.x`` do."""
    group = key.partition("@")[0]
    return bool(group) and "." not in group and (CONFIGS / group).is_dir()


def _plain(key: str) -> str:
    return key.rpartition(".")[2].lower().replace("-", "_")


def _by_another_name(name: str, there: Mapping[str, Any]) -> list[str]:
    found = []
    for entry, names in SETTINGS.items():
        path, equals, allowed = entry.partition("=")
        first = next((each for each in path.split("|") if each in there), None)
        if name in names.split() and first:
            found.append(f"{first}{equals}{allowed}")
    return found


def _settings(config: DictConfig) -> dict[str, Any]:
    """The value of every setting by its path, as it stands in the config; of sections, groups."""
    content = OmegaConf.to_container(config, resolve=False)
    assert isinstance(content, dict)
    return dict(_flat(content, ""))


def _flat(content: Mapping[Any, Any], parent: str) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        path = f"{parent}.{name}" if parent else str(name)
        if str(name).startswith("_"):
            continue
        if isinstance(value, Mapping):
            if is_group(path):
                yield path, "an option"
            yield from _flat(value, path)
        else:
            yield path, value


def _written(entry: str, value: str | None, config: DictConfig) -> tuple[str, bool]:
    """What may be meant, to be pasted, and whether the value that was given fits it."""
    if "=" in entry:
        return entry, True
    if is_group(entry):
        options = options_of(entry)
        return f"{entry}={value if value in options else '|'.join(options)}", True
    if value is None or not _fits(value, _settings(config).get(entry)):
        return entry, value is None
    return f"{entry}={value}", True


def _fits(text: str, current: Any) -> bool:
    """Whether a value is of the kind that a setting has now."""
    try:
        value = OmegaConf.create(f"given: {text}").given  # its 1e-4 is a number, YAML's is not
    except yaml.YAMLError:
        return True
    if isinstance(current, str):
        return isinstance(value, str) or "${" in current or current == "???"
    if current is None:
        return not isinstance(value, bool)
    if isinstance(current, bool) or isinstance(value, bool):
        return isinstance(current, bool) and isinstance(value, bool)
    return isinstance(value, float | int if isinstance(current, float) else type(current))


def _options_with(name: str) -> list[str]:
    """The options, of any group, that have a setting of this name themselves."""
    found = []
    for path in sorted(CONFIGS.glob("*/*.yaml")):
        if path.parent.name in ("optim", "schedule", "head", "backbone", "teacher", "data"):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            if isinstance(content, dict) and name in content:
                found.append(f"{path.parent.name}={path.stem}")
    return found
