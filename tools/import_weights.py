"""Converts published weights.

python tools/import_weights.py source=FILE output=FILE.safetensors
"""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("import_weights")
def main(request: Request) -> None:
    from tasks.common.commands.import_weights import import_weights

    import_weights(request.config)


if __name__ == "__main__":
    main()
