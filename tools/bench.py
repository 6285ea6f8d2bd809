"""Measures our speed beside others': python tools/bench.py [task=imagenet|planet|...]."""

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.commands.bench import bench
from tasks.common.commands.console import command
from tasks.common.machine.hardware import machine
from tasks.common.machine.timing import rows_as_json, rows_as_text


@command("bench")
def main(config: DictConfig) -> None:
    if config.format not in ("text", "json"):
        raise InputError(f"format={config.format}: allowed are text and json")
    write = rows_as_json if config.format == "json" else rows_as_text
    print(write(bench(config), machine()))


if __name__ == "__main__":
    main()
