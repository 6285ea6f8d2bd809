"""Where the YAML files and the commands are."""

from pathlib import Path

ROOT = Path(__file__).parents[3]


def placed(folder: str) -> Path:
    """A folder of the checkout; installed, it lies in the package that is named after the suite."""
    beside = ROOT / folder
    return beside if (ROOT / "pyproject.toml").is_file() else ROOT / "mobilenet_suite" / folder


CONFIGS = placed("configs")
TOOLS = placed("tools")
