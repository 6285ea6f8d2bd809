import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from tasks.common.training.ema import WeightEMA


def averaged(decay, values):
    model = nn.BatchNorm1d(1)
    average = AveragedModel(model, use_buffers=True, **WeightEMA(decay=decay)._kwargs)
    for value in values:
        nn.init.constant_(model.weight, value)
        model.running_mean.fill_(value)
        model.num_batches_tracked += 1
        average.update_parameters(model)
    return average


def test_follows_the_formula_for_weights_and_statistics():
    values = torch.linspace(-1, 3, 30).tolist()
    expected = values[0]  # the first weights count whole
    for number, value in enumerate(values[1:], start=1):
        decay = min(0.7, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * value
    module = averaged(0.7, values).module
    assert module.weight.item() == pytest.approx(expected, rel=1e-5)
    assert module.running_mean.item() == pytest.approx(expected, rel=1e-5)
    assert module.num_batches_tracked == 30  # a counter is no average
