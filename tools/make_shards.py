"""Packs geotagged photos into shards; an interrupted command goes on when it is run again.

python tools/make_shards.py table=photos.csv images=DIR output=SHARDS side=256
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("make_shards")
def main(request: Request) -> None:
    from tasks.geolocation.shards.making import make_shards

    print("\n".join(make_shards(request.config)))


if __name__ == "__main__":
    main()
