"""Scores a checkpoint or imported weights: python tools/eval.py checkpoint=FILE."""

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.evaluate import evaluate
from tasks.common.commands.evaluate_teacher import evaluate_teacher


@command("eval")
def main(config: DictConfig) -> None:
    if HydraConfig.get().runtime.choices["model"] == "teacher":
        evaluate_teacher(config)
    else:
        evaluate(config)


if __name__ == "__main__":
    main()
