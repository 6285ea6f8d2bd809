"""Measures our speed beside others': python tools/bench.py [task=imagenet|planet|...]."""

from backbone.errors import InputError
from tasks.classification.bench.suite import suite as classification
from tasks.common.commands.console import command
from tasks.common.commands.request import Request
from tasks.common.machine.hardware import machine
from tasks.common.machine.timing import rows_as_json, rows_as_text
from tasks.detection.bench.suite import suite as detection
from tasks.geolocation.bench.suite import suite as geolocation
from tasks.multitask_faces.bench.suite import suite as multitask_faces

BENCHES = {  # by the application that the data are of
    "classification": classification.bench,
    "detection": detection.bench,
    "geolocation": geolocation.bench,
    "multitask_faces": multitask_faces.bench,
}


@command("bench")
def main(request: Request) -> None:
    config = request.config
    if config.format not in ("text", "json"):
        raise InputError(f"format={config.format}: allowed are text and json")
    write = rows_as_json if config.format == "json" else rows_as_text
    application = str(config.data["_target_"]).split(".")[1]
    if application not in BENCHES:
        raise InputError(f"There is no benchmark of this task; of {', '.join(BENCHES)} there are")
    print(write(BENCHES[application](config), machine()))


if __name__ == "__main__":
    main()
