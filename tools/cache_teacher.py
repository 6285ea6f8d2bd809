"""Computes a teacher's targets once, for any number of trainings.

python tools/cache_teacher.py task=facenet_distill teacher=onnx teacher.file=FILE \\
    data.faces=[DIR,DIR] output=TABLE
python tools/train.py task=facenet_distill teacher=table teacher.file=TABLE data.faces=[DIR,DIR] ...
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("cache_teacher")
def main(request: Request) -> None:
    from tasks.common.commands.cache_teacher import cache_targets

    print(cache_targets(request))


if __name__ == "__main__":
    main()
