"""Predicts on photos: python tools/predict.py checkpoint=FILE input=PATH output=DIR."""

from omegaconf import DictConfig

from tasks.common.commands.console import command
from tasks.common.commands.predict import predict


@command("predict")
def main(config: DictConfig) -> None:
    predict(config)


if __name__ == "__main__":
    main()
