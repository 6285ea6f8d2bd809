"""Draws accuracy against cost: python tools/figures.py runs=runs/a,runs/b output=DIR."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("figures")
def main(request: Request) -> None:
    from tasks.classification.figures.drawing import draw_figures

    for path in draw_figures(request):
        print(path)


if __name__ == "__main__":
    main()
