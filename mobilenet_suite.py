"""The suite from Python: ``from mobilenet_suite import load, train, evaluate, predict``."""

from tasks.api import InputError, Model, evaluate, load, predict, train

__all__ = ["InputError", "Model", "evaluate", "load", "predict", "train"]
