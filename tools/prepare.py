"""Makes a data set ready: fetches a public one, or makes one of photos of your own.

python tools/prepare.py dataset=coco root=DIR
python tools/prepare.py dataset=noisy_dogs root=DIR against=STANFORD_DOGS output=NEW_DIR
python tools/prepare.py dataset=geotagged root=DIR output=photos.csv
"""

from pathlib import Path

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("prepare")
def main(request: Request) -> None:
    from tasks.common.machine.stopping import GOES_ON, keeping
    from tasks.common.settings.targets import build

    prepare = build(request.config.dataset)
    with keeping(GOES_ON):
        print(prepare(Path(str(request.config.root))))


if __name__ == "__main__":
    main()
