"""Writes a network for others, and puts it on the Hugging Face Hub.

python tools/push.py checkpoint=runs/mine/checkpoints/best.ckpt output=mine repo=hf:me/mine
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("push")
def main(request: Request) -> None:
    from tasks.common.commands.push import push

    push(request)


if __name__ == "__main__":
    main()
