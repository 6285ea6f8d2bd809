"""The benchmarks of all applications: each is its ``bench/suite.py``."""

import importlib
from pathlib import Path

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.machine.timing import Row

APPLICATIONS = Path(__file__).parents[2]


def bench(config: DictConfig) -> list[Row]:
    """Measures what the application has to measure that the data are of.

    Args:
        config: The composed ``configs/bench.yaml``.

    Raises:
        InputError: If it has no benchmark.
    """
    package, application = str(config.data["_target_"]).split(".")[:2]
    known = sorted(path.parts[-3] for path in APPLICATIONS.glob("*/bench/suite.py"))
    if application not in known:
        raise InputError(f"There is no benchmark of this task; of {', '.join(known)} there are")
    suite = importlib.import_module(f"{package}.{application}.bench.suite")
    rows: list[Row] = suite.bench(config)
    return rows
