"""Partitions the Earth into cells by where photos were taken.

python tools/make_cells.py table=FILE output=cells.csv max_photos=10000 min_photos=50
python tools/make_cells.py table=FILE output=cells.csv max_photos=5000,2000,1000 min_photos=50
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("make_cells")
def main(request: Request) -> None:
    from tasks.geolocation.cells.making import write_cells

    print("\n".join(write_cells(request.config)))


if __name__ == "__main__":
    main()
