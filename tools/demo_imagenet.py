"""Names what photos show and writes it on them; without arguments, on drawings it learns first.

python tools/demo_imagenet.py
python tools/demo_imagenet.py checkpoint=FILE input=PATH output=DIR
python tools/demo_imagenet.py init=classifier.safetensors input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_imagenet")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate

    print(f"Pictures: {demonstrate(request)}")


if __name__ == "__main__":
    main()
