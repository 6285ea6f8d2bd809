"""The suite from Python: ``from mobilenet_suite import load, train, evaluate, predict, export``."""

from tasks.api import InputError, Model, evaluate, export, load, predict, train

__all__ = ["InputError", "Model", "evaluate", "export", "load", "predict", "train"]
