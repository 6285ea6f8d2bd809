"""Times a network in each form that it has: python tools/latency.py checkpoint=FILE."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("latency")
def main(request: Request) -> None:
    from tasks.common.commands.latency.measuring import latency

    print(latency(request))


if __name__ == "__main__":
    main()
