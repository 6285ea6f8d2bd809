"""Networks that are trained with the rounding of int8."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from backbone.layers import ConvNormAct
from tasks.common.training.rounding import on_grid, on_line, rounding
from tests.commands import run_inside
from tests.small_runs import SMALL_RUN


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    blocks = [
        ConvNormAct(3, 8, kernel_size=3, stride=2),
        ConvNormAct(8, 8, kernel_size=3, groups=8),
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(8 * 16, 5))


def test_a_layer_gets_what_int8_holds_and_stays_what_it_was() -> None:
    module, given = layers(), torch.randn(4, 3, 8, 8)
    before, plain = copy.deepcopy(module.state_dict()), module.eval()(given)
    hooks = rounding(module)
    seen: list[Tensor] = []
    module[0].conv.register_forward_hook(lambda _, inputs, output: seen.extend([*inputs, output]))
    found = module(given)
    image, output = seen
    span = given.max() - given.min()
    codes = image / (span / 255)
    torch.testing.assert_close(codes, codes.round(), atol=1e-3, rtol=0)
    assert (image - given).abs().max() <= span / 255 / 2 * 1.001
    expected = module[0].conv._conv_forward(
        nn.functional.pad(image, (0, 1, 0, 1)), on_grid(before["0.conv.weight"]), None
    )
    torch.testing.assert_close(output, expected)
    assert 0 < (found - plain).abs().max() < 0.1 * plain.abs().max()
    assert module.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(module(given), plain, rtol=0, atol=0)


def test_the_gradient_is_that_of_the_rounded_layers_by_the_floats() -> None:
    layer, given = nn.Linear(6, 3), torch.randn(5, 6, requires_grad=True)
    rounding(layer)
    layer(given).square().sum().backward()
    weight = on_grid(layer.weight.detach()).requires_grad_()
    values = on_line(given.detach()).requires_grad_()
    nn.functional.linear(values, weight, layer.bias).square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, weight.grad)
    torch.testing.assert_close(given.grad, values.grad)


def test_batch_norm_only_scales_the_grid() -> None:
    """Rounding before it is folded in is rounding after."""
    weight, scale = torch.randn(8, 1, 3, 3), torch.randn(8, 1, 1, 1)
    torch.testing.assert_close(on_grid(weight * scale), on_grid(weight) * scale)


def test_a_layer_that_fails_keeps_its_weights() -> None:
    layer = nn.Linear(6, 3)
    rounding(layer)
    with pytest.raises(RuntimeError):
        layer(torch.ones(1, 5))
    assert "weight" not in vars(layer)


def test_the_command_trains_so_and_leaves_weights_as_always(tmp_path: Path) -> None:
    given = ("task=imagenet", *SMALL_RUN)
    finished = {
        name: run_inside("train", *given, f"quantise={name}", f"run_dir={name}", cwd=tmp_path)
        for name in ("true", "false")
    }
    assert all(done.returncode == 0 for done in finished.values()), finished
    losses = {
        name: (tmp_path / name / "metrics.csv").read_text().splitlines()[1] for name in finished
    }
    assert losses["true"] != losses["false"]
    weights = [torch.load(tmp_path / name / "checkpoints" / "last.ckpt") for name in finished]
    assert weights[0]["state_dict"].keys() == weights[1]["state_dict"].keys()
    given = ("checkpoint=true/checkpoints/last.ckpt", "data.root=true/data", "run_dir=figures")
    done = run_inside("eval", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("wrong", [("quantise=yes",), ("quantise=true", "task.compile=true")])
def test_what_cannot_be_rounded_is_refused(wrong: tuple[str, ...], tmp_path: Path) -> None:
    done = run_inside("train", "task=imagenet", "data=demo", *wrong, "run_dir=run", cwd=tmp_path)
    assert done.returncode == 2 and "quantise=" in done.stderr, done
