"""Fetches a public data set: python tools/prepare.py dataset=coco root=DIR."""

from pathlib import Path

from omegaconf import DictConfig

from tasks.common.command import command
from tasks.common.public import prepare_by_name


@command("prepare")
def main(config: DictConfig) -> None:
    print(prepare_by_name(str(config.dataset), Path(str(config.root))))


if __name__ == "__main__":
    main()
