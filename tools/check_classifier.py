"""Scores imported ImageNet weights: python tools/check_classifier.py init=FILE input=DIR."""

from omegaconf import DictConfig

from tasks.classification.top1 import top1
from tasks.common.command import command


@command("check_classifier")
def main(config: DictConfig) -> None:
    accuracy, number = top1(config)
    print(f"top-1 {accuracy:.4f} on {number} photos of {config.input}")


if __name__ == "__main__":
    main()
