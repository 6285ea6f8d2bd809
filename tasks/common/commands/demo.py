"""Shows a task at work, from nothing or with a network of one's own."""

import os
from collections.abc import Sequence
from pathlib import Path

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError
from tasks.common.commands.predict import predict
from tasks.common.commands.request import Request
from tasks.common.commands.train import claim_folder, train_in
from tasks.common.images.saving import save_picture
from tasks.common.settings.composing import compose
from tasks.common.settings.targets import build
from tasks.common.training.task import Task


def demonstrate(request: Request) -> Path:
    """Predicts on photos and draws them; without a network, trains one on the demo data first.

    Args:
        request: Of ``configs/demo_<task>.yaml``.

    Returns:
        The contact sheet of some of the pictures, in the folder with all of them.

    Raises:
        InputError: If there are photos but no network to look at them, or none can be read.
    """
    config, data = request.config.copy(), None
    if not (config.checkpoint or config.init):
        if config.input:
            raise InputError(
                "input= needs a network: give checkpoint=FILE or init=FILE too. A teacher by "
                "itself is for tools/predict.py, or for known=DIR"
            )
        config = made_small(config, config_name=request.command, overrides=request.overrides)
        training = request.with_config(config)
        results = claim_folder(training)
        reported = "best" if "best/epoch" in train_in(results, training) else "last"
        config.run_dir = str(results.folder)
        config.checkpoint = str(results.folder / "checkpoints" / f"{reported}.ckpt")
        data = build(config.data).of(config.get("shown", ""))
        ends = (Path(str(data.val_photo(index)[0])).parent for index in (0, len(data.val_set) - 1))
        config.input = os.path.commonpath(list(ends))
    entries = list(predict(request.with_config(config)))
    if not entries:
        raise InputError(f"input={config.input}: none of the photos can be read")
    task: type[Task] = get_class(config.task._target_)
    pictures = [Path(config.output) / entry["picture"] for entry in entries]
    sheet = Path(config.output) / "sheet.jpg"
    save_picture(sheet, task.sheet(entries, pictures, data=data))
    return sheet


def made_small(config: DictConfig, *, config_name: str, overrides: Sequence[str]) -> DictConfig:
    """Composes a demo's config anew with the settings for a network that it trains.

    Args:
        config: As composed without them. Those of its ``small`` that it has no place for, such as
            the width of a backbone that comes in one, are left out.
        config_name: Of the demo.
        overrides: The user's, which win.
    """
    small = [setting for setting in config.small if _has(config, setting.partition("=")[0])]
    return compose(config_name, [*small, *overrides])


def _has(config: DictConfig, key: str) -> bool:
    parent, _, name = key.rpartition(".")
    section = OmegaConf.select(config, parent)
    return isinstance(section, DictConfig) and name in section
