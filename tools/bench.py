"""Measures our speed beside torchvision's and pycocotools': python tools/bench.py."""

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.common.command import command
from tasks.common.machine import machine
from tasks.common.timing import rows_as_json, rows_as_text
from tasks.detection.bench import bench


@command("bench")
def main(config: DictConfig) -> None:
    if config.format not in ("text", "json"):
        raise InputError(f"format={config.format}: allowed are text and json")
    write = rows_as_json if config.format == "json" else rows_as_text
    print(write(bench(config), machine()))


if __name__ == "__main__":
    main()
