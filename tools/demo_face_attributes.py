"""Finds faces and writes on them what they show; without arguments, on drawings it learns first.

python tools/demo_face_attributes.py
python tools/demo_face_attributes.py checkpoint=FILE input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_face_attributes")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate
    from tasks.face_attributes.portraits import describe_people

    config = request.config
    found = config.checkpoint and config.input
    print(f"Pictures: {describe_people(request) if found else demonstrate(request)}")


if __name__ == "__main__":
    main()
