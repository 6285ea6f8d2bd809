"""Computes a teacher's targets once, for any number of trainings.

python tools/cache_teacher.py task=facenet_distill teacher=onnx teacher.file=FILE \\
    data.faces=[DIR,DIR] output=TABLE
python tools/train.py task=facenet_distill teacher=table teacher.file=TABLE data.faces=[DIR,DIR] ...
"""

from omegaconf import DictConfig

from tasks.common.commands.cache_teacher import cache_targets
from tasks.common.commands.console import command


@command("cache_teacher")
def main(config: DictConfig) -> None:
    print(cache_targets(config))


if __name__ == "__main__":
    main()
