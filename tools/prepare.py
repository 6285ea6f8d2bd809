"""Makes a data set ready: fetches a public one, or makes one of photos of your own.

python tools/prepare.py dataset=coco root=DIR
python tools/prepare.py dataset=noisy_dogs root=DIR against=STANFORD_DOGS output=NEW_DIR
python tools/prepare.py dataset=geotagged root=DIR output=photos.csv
"""

from pathlib import Path

from tasks.common.commands.console import command
from tasks.common.commands.request import Request

KEYS = ("against", "output", "max_distance", "val_share", "overwrite")


@command("prepare")
def main(request: Request) -> None:
    from tasks.common.data.public import prepare_by_name

    config = request.config
    settings = {key: config[key] for key in KEYS}
    print(prepare_by_name(str(config.dataset), Path(str(config.root)), **settings))


if __name__ == "__main__":
    main()
