"""Attributes and embeddings of faces from one pass; without arguments, of drawings it learns first.

python tools/demo_multitask_faces.py
python tools/demo_multitask_faces.py checkpoint=FILE input=PATH output=DIR
"""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.demo import demonstrate


@command("demo_multitask_faces")
def main(config: DictConfig) -> None:
    print(f"Pictures: {demonstrate(config)}")


if __name__ == "__main__":
    main()
