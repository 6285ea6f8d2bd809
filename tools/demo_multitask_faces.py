"""Attributes and embeddings of faces from one pass; without arguments, of drawings it learns first.

python tools/demo_multitask_faces.py
python tools/demo_multitask_faces.py checkpoint=FILE input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_multitask_faces")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate

    print(f"Pictures: {demonstrate(request)}")


if __name__ == "__main__":
    main()
