"""Networks of timm as backbones: timm's own values, and our commands."""

import json
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor

from backbone.errors import InputError
from backbone.timm_features import TimmFeatures
from tests.commands import run_inside
from tests.small_runs import DRAWN, TWO_STEPS

MODELS = ("mobilenetv3_large_100", "resnet18", "efficientnet_lite0")


def published(model: str, folder: Path) -> Path:
    torch.manual_seed(0)
    torch.save(timm.create_model(model).state_dict(), folder / "theirs.pth")
    return folder / "theirs.pth"


@pytest.mark.parametrize("model", MODELS)
@torch.no_grad()
def test_features_equal_timms(model: str, tmp_path: Path) -> None:
    theirs = timm.create_model(model).eval()
    theirs.load_state_dict(torch.load(published(model, tmp_path), weights_only=True))
    ours = TimmFeatures(model=model, pretrained=str(tmp_path / "theirs.pth")).eval()
    assert ours.trained_on == ["imagenet"]
    photo = torch.rand(2, 3, 96, 64)  # from 0 to 1
    mean, deviation = (
        torch.tensor(theirs.default_cfg[key])[:, None, None] for key in ("mean", "std")
    )
    expected: dict[int, Tensor] = {
        96 // x.shape[2]: x for x in theirs.forward_intermediates((photo - mean) / deviation)[1]
    }
    for key, value in ours(photo * 2 - 1).items():
        torch.testing.assert_close(value, expected[ours.strides[key]], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": "resnet81"}, "timm has none of that name"),
        ({"model": "vit_tiny_patch16_224"}, "no features at a stride of 4 pixels"),
        ({"model": "resnet18", "pretrained": "gone.pth"}, "gone.pth: no such file"),
        ({"model": "resnet34", "pretrained": "theirs.pth"}, "is not of resnet34: "),
    ],
    ids=lambda value: value.get("pretrained", value["model"]) if isinstance(value, dict) else "",
)
def test_what_does_not_fit_is_refused(
    settings: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if settings.get("pretrained") == "theirs.pth":
        published("resnet18", tmp_path)
    with pytest.raises(InputError, match=said):
        TimmFeatures(**settings)


@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("resnet18", ("task=ssd_coco", "head=ssd_pyramid")),
        ("efficientnet_lite0", ("task=imagenet",)),
    ],
)
def test_it_trains_goes_on_and_is_scored(model: str, task: tuple[str, ...], tmp_path: Path) -> None:
    weights = published(model, tmp_path)
    chosen = ("backbone=timm", f"backbone.model={model}", "backbone.pretrained=theirs.pth")
    settings = (*task, *DRAWN, *TWO_STEPS, *chosen, "run_dir=run")
    done = run_inside("train", *settings, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    weights.unlink()  # all of it is in the checkpoint now
    checkpoint = "checkpoint=run/checkpoints/last.ckpt"
    done = run_inside("eval", checkpoint, "run_dir=scored", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures, scored = (
        json.loads((tmp_path / run / "metrics.json").read_text()) for run in ("run", "scored")
    )
    assert scored.items() <= figures.items()
    saved = torch.load(tmp_path / "run/checkpoints/last.ckpt", weights_only=True)["description"]
    assert saved["backbone"] == {"name": "timm", "model": model}
    assert saved["trained_on"][0] == "imagenet"
