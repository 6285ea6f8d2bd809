"""Says where photos were taken and draws it on a map; without arguments, on an Earth drawn in code.

python tools/demo_planet.py
python tools/demo_planet.py checkpoint=FILE input=PATH output=DIR
"""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.demo import demonstrate


@command("demo_planet")
def main(config: DictConfig) -> None:
    print(f"Pictures: {demonstrate(config)}")


if __name__ == "__main__":
    main()
