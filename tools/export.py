"""Writes a network for apps: python tools/export.py checkpoint=FILE format=onnx output=DIR."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("export")
def main(request: Request) -> None:
    from tasks.common.commands.export import export

    export(request)


if __name__ == "__main__":
    main()
