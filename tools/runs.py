"""Lists runs with figures and what sets them apart: python tools/runs.py input=runs."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("runs")
def main(request: Request) -> None:
    from tasks.common.commands.runs import list_runs

    print(list_runs(request), end="")


if __name__ == "__main__":
    main()
