"""Shows a task at work, from nothing or with a network of one's own."""

import os
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from backbone.errors import InputError
from tasks.common.config import build
from tasks.common.pictures import contact_sheet, save_picture
from tasks.common.run import train
from tasks.common.stored import predict

SHEET_PICTURES = 12
MADE_SMALL = ("backbone.width", "data.image_size")  # for the demo's own training


def demonstrate(config: DictConfig) -> Path:
    """Predicts on photos and draws them; without a network, trains one on the demo data first.

    Args:
        config: The composed ``configs/demo_<task>.yaml``.

    Returns:
        The contact sheet of some of the pictures, in the folder with all of them.

    Raises:
        InputError: If there are photos but no network to look at them.
    """
    config = config.copy()
    if not (config.checkpoint or config.init):
        if config.input:
            raise InputError("input= needs a network: give checkpoint=FILE or init=FILE too")
        train(config)
        config.checkpoint = str(Path(config.run_dir) / "checkpoints" / "last.ckpt")
        data = build(config.data)
        ends = (data.val_photo(index)[0].parent for index in (0, len(data.val_set) - 1))
        config.input = os.path.commonpath(list(ends))
    if config.init:
        _leave_to_file(config)
    predict(config)
    pictures = sorted((Path(config.output) / "pictures").glob("*.jpg"))
    pictures = pictures[:: max(len(pictures) // SHEET_PICTURES, 1)][:SHEET_PICTURES]
    sheet = Path(config.output) / "sheet.jpg"
    save_picture(sheet, contact_sheet(pictures))
    return sheet


def _leave_to_file(config: DictConfig) -> None:
    """Frees what imported weights say themselves, unless the user has said it too."""
    given = {override.partition("=")[0] for override in HydraConfig.get().overrides.task}
    for setting in MADE_SMALL:
        if setting not in given and OmegaConf.select(config, setting) is not None:
            OmegaConf.update(config, setting, None)
