"""The views of all applications: each is its ``showing.py``."""

import importlib
import importlib.util
from pathlib import Path

from omegaconf import DictConfig

import tasks
from tasks.common.settings.targets import OWN_PACKAGES
from tasks.common.showing.view import View


def find_view(config: DictConfig) -> View:
    """That of the application whose data are configured; one for all if it has none."""
    package, application = str(config.data["_target_"]).split(".")[:2]
    name = f"{package}.{application}.showing"
    if package not in OWN_PACKAGES or importlib.util.find_spec(name) is None:
        return View()
    return _view(name)


def all_views() -> list[View]:
    """One view of each title, that of applications without one at last."""
    folders = map(Path, tasks.__path__)
    names = sorted(path.parent.name for one in folders for path in one.glob("*/showing.py"))
    views = [*(_view(f"tasks.{name}.showing") for name in names), View()]
    return list({view.title: view for view in reversed(views)}.values())[::-1]


def _view(name: str) -> View:
    found: View = importlib.import_module(name).view
    return found
