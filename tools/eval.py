"""Scores a checkpoint or imported weights: python tools/eval.py checkpoint=FILE."""

from tasks.common.commands.request import Request
from tasks.common.console.command import command


@command("eval")
def main(request: Request) -> None:
    from tasks.common.commands.evaluate import evaluate
    from tasks.common.commands.evaluate_teacher import evaluate_teacher
    from tasks.common.distillation.alone import asks_for_teacher

    if asks_for_teacher(request.config, request.choices):
        evaluate_teacher(request)
    else:
        evaluate(request)


if __name__ == "__main__":
    main()
