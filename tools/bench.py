"""Measures our speed beside others': python tools/bench.py [task=imagenet|planet|...]."""

from backbone.errors import check_choice
from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("bench")
def main(request: Request) -> None:
    from tasks.common.machine.benchmarks import bench
    from tasks.common.machine.hardware import machine
    from tasks.common.machine.timing import rows_as_json, rows_as_text

    check_choice("format", request.config.format, allowed=("text", "json"))
    write = rows_as_json if request.config.format == "json" else rows_as_text
    print(write(bench(request.config), machine()))


if __name__ == "__main__":
    main()
