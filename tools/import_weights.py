"""Converts published weights.

python tools/import_weights.py source=FILE output=FILE.safetensors
"""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.import_weights import import_weights


@command("import_weights")
def main(config: DictConfig) -> None:
    import_weights(config)


if __name__ == "__main__":
    main()
