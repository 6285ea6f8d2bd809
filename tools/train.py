"""Trains a task: python tools/train.py task=ssd_coco data.root=DIR."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("train")
def main(request: Request) -> None:
    from tasks.common.commands.train import train

    train(request)


if __name__ == "__main__":
    main()
