"""Names what photos show and writes it on them; without arguments, on drawings it learns first.

python tools/demo_stanford_dogs.py
python tools/demo_stanford_dogs.py checkpoint=FILE input=PATH output=DIR
python tools/demo_stanford_dogs.py init=classifier.safetensors input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_stanford_dogs")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate

    print(f"Pictures: {demonstrate(request)}")


if __name__ == "__main__":
    main()
