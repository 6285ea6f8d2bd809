"""Says where photos were taken and draws it on a map; without arguments, on an Earth drawn in code.

python tools/demo_planet.py
python tools/demo_planet.py checkpoint=FILE input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_planet")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate

    print(f"Pictures: {demonstrate(request)}")


if __name__ == "__main__":
    main()
