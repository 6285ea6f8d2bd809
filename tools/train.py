"""Trains a task: python tools/train.py task=ssd_coco data.root=DIR."""

from tasks.common.commands.console import command
from tasks.common.commands.request import Request


@command("train")
def main(request: Request) -> None:
    from tasks.common.commands.train import train

    train(request)


if __name__ == "__main__":
    main()
