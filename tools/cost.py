"""Counts mult-adds and parameters, ours beside the paper's: python tools/cost.py table=13."""

import json

from backbone.errors import check_choice
from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("cost")
def main(request: Request) -> None:
    from tasks.common.networks.cost import cost_rows, rows_as_text

    check_choice("format", request.config.format, allowed=("text", "json"))
    rows = cost_rows(request.config, task=request.choices["task"])
    if request.config.format == "json":
        print(json.dumps([row._asdict() for row in rows], indent=2))
    else:
        print(rows_as_text(rows))


if __name__ == "__main__":
    main()
