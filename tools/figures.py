"""Draws accuracy against cost: python tools/figures.py runs=runs/a,runs/b output=DIR."""

from omegaconf import DictConfig

from tasks.classification.figures.drawing import draw_figures
from tasks.common.commands.console import command


@command("figures")
def main(config: DictConfig) -> None:
    for path in draw_figures(config):
        print(path)


if __name__ == "__main__":
    main()
