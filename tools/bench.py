"""Measures our speed beside others': python tools/bench.py [task=imagenet|planet|...]."""

from omegaconf import DictConfig

from backbone.errors import InputError
from tasks.classification import bench as classification
from tasks.common.command import command
from tasks.common.machine import machine
from tasks.common.timing import rows_as_json, rows_as_text
from tasks.detection import bench as detection
from tasks.geolocation import bench as geolocation

BENCHES = {  # by application
    "classification": classification.bench,
    "detection": detection.bench,
    "geolocation": geolocation.bench,
}


@command("bench")
def main(config: DictConfig) -> None:
    if config.format not in ("text", "json"):
        raise InputError(f"format={config.format}: allowed are text and json")
    write = rows_as_json if config.format == "json" else rows_as_text
    application = str(config.task["_target_"]).split(".")[1]
    print(write(BENCHES[application](config), machine()))


if __name__ == "__main__":
    main()
