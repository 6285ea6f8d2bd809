"""Scores a checkpoint or imported weights: python tools/eval.py checkpoint=FILE."""

from omegaconf import DictConfig

from tasks.common.command import command
from tasks.common.stored import evaluate


@command("eval")
def main(config: DictConfig) -> None:
    evaluate(config)


if __name__ == "__main__":
    main()
