"""Opens a page in the browser to try trained networks: python tools/app.py models=[FILE]."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("app")
def main(request: Request) -> None:
    from tasks.app.serving import serve

    serve(request)


if __name__ == "__main__":
    main()
