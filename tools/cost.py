"""Counts mult-adds and parameters, ours beside the paper's: python tools/cost.py table=13."""

import json

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.console import command
from tasks.common.networks.cost import cost_rows, rows_as_text


@command("cost")
def main(config: DictConfig) -> None:
    if config.format not in ("text", "json"):
        raise InputError(f"format={config.format}: allowed are text and json")
    rows = cost_rows(config)
    if config.format == "json":
        print(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        print(rows_as_text(rows))


if __name__ == "__main__":
    main()
