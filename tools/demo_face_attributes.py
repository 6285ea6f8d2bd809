"""Says what faces show and writes it on them; without arguments, on drawings it learns first.

python tools/demo_face_attributes.py
python tools/demo_face_attributes.py checkpoint=FILE input=PATH output=DIR
"""

from omegaconf import DictConfig

from tasks.common.command import command
from tasks.common.demo import demonstrate


@command("demo_face_attributes")
def main(config: DictConfig) -> None:
    print(f"Pictures: {demonstrate(config)}")


if __name__ == "__main__":
    main()
