"""Packs geotagged photos into shards; an interrupted command goes on when it is run again.

python tools/make_shards.py table=photos.csv images=DIR output=SHARDS side=256
"""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.geolocation.shards.making import make_shards


@command("make_shards")
def main(config: DictConfig) -> None:
    print("\n".join(make_shards(config)))


if __name__ == "__main__":
    main()
