"""Trains a task: python tools/train.py task=ssd_coco data=coco data.root=DIR."""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.train import train


@command("train")
def main(config: DictConfig) -> None:
    train(config)


if __name__ == "__main__":
    main()
