"""Composes our configs, whatever Hydra application this is called in, or in none."""

import functools
from collections.abc import Sequence

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from tasks.common.settings.configs import CONFIGS


def compose(
    config_name: str, overrides: Sequence[str] = (), *, hydra_too: bool = False
) -> DictConfig:
    """The config of that name with these overrides.

    Args:
        config_name: Of a file in ``configs/``.
        overrides: As on the command line.
        hydra_too: With Hydra's own settings as ``hydra``.
    """
    application = GlobalHydra.instance()
    others = application.hydra
    try:
        application.hydra = None
        application.hydra = _own_hydra()
        return hydra.compose(config_name, list(overrides), return_hydra_config=hydra_too)
    finally:
        application.hydra = others


@functools.cache
def _own_hydra() -> hydra._internal.hydra.Hydra:
    hydra.initialize_config_dir(str(CONFIGS), version_base="1.3")
    made = GlobalHydra.instance().hydra
    assert made is not None
    return made
