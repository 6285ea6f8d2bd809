"""Detects objects in photos and draws them; without arguments, in scenes that it learns first.

python tools/demo_faster_rcnn_coco.py
python tools/demo_faster_rcnn_coco.py checkpoint=FILE input=PATH output=DIR
python tools/demo_faster_rcnn_coco.py init=detector.safetensors input=PATH output=DIR
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("demo_faster_rcnn_coco")
def main(request: Request) -> None:
    from tasks.common.commands.demo import demonstrate

    print(f"Pictures: {demonstrate(request)}")


if __name__ == "__main__":
    main()
