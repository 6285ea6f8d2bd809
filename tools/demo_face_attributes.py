"""Finds faces and writes on them what they show; without arguments, on drawings it learns first.

python tools/demo_face_attributes.py
python tools/demo_face_attributes.py checkpoint=FILE input=PATH output=DIR
"""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.demo import demonstrate
from tasks.face_attributes.portraits import describe_people


@command("demo_face_attributes")
def main(config: DictConfig) -> None:
    found = config.checkpoint and config.input
    print(f"Pictures: {describe_people(config) if found else demonstrate(config)}")


if __name__ == "__main__":
    main()
