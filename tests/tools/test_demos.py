"""Every demo: cut down to two steps, and slowly to its end."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from tasks.common.commands.demo import made_small
from tasks.common.networks.building import build_backbone
from tasks.common.settings.configs import CONFIGS
from tests.commands import ROOT, options, run, run_inside
from tests.small_runs import FEW, NARROW, TWO_STEPS

TINY = (*FEW, NARROW, *TWO_STEPS)
DEMOS = sorted(path.stem for path in (ROOT / "tools").glob("demo_*.py"))


@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo_learns_and_draws(demo: str, tmp_path: Path):
    # one in a process of its own, and the others without its imports
    command = run if demo == "demo_ssd_coco" else partial(run_inside, cwd=ROOT)
    done = command(demo, *TINY, f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    sheet = tmp_path / "found" / "sheet.jpg"
    assert sheet.stat().st_size > 0
    assert f"Pictures: {sheet}" in done.stdout


def reaches(demo: str) -> dict[str, float]:
    """The figures that a demo's config promises."""
    config = OmegaConf.load(CONFIGS / f"{demo}.yaml")
    return dict(OmegaConf.select(config, "reaches") or {})


@pytest.mark.slow
@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo_reaches_what_its_config_says(demo: str, tmp_path: Path):
    done = run(demo, f"run_dir={tmp_path}", "data.num_workers=0", timeout=3000)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "metrics.json").read_text())
    assert reaches(demo)
    for name, least in reaches(demo).items():
        assert figures[name] >= least, f"{name} {figures[name]}"


def test_a_demo_may_be_run_again_but_keeps_what_is_in_a_folder_that_was_named(tmp_path: Path):
    for setting in ("data.num_val=3", "data.num_val=2"):
        done = run_inside("demo_ssd_coco", *TINY, setting, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs" / "demo_ssd_coco"
    assert len(list((folder / "found" / "pictures").iterdir())) == 2
    (folder / "found" / "sheet.jpg").unlink()
    refused = run_inside("demo_ssd_coco", *TINY, f"run_dir={folder}", cwd=tmp_path)
    assert refused.returncode == 2 and f"run_dir={folder} holds results already" in refused.stderr
    assert not (folder / "found" / "sheet.jpg").exists()


def test_a_demo_of_a_backbone_that_comes_in_one_width(tmp_path: Path):
    settings = [setting for setting in TINY if not setting.startswith("backbone.")]
    settings = [*settings, "backbone=inception_v2", f"run_dir={tmp_path}"]
    done = run_inside("demo_imagenet", *settings, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def backbones_of(demo: str) -> list[str]:
    """All for one demo; for the others, which all are made small alike, one of each kind."""
    return options("backbone") if demo == "demo_imagenet" else ["mobilenet", "vgg16"]


@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo_trains_small_networks_and_takes_others_as_they_are(demo: str):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        for backbone in backbones_of(demo):
            overrides = [f"backbone={backbone}", "data.num_val=5"]
            config = compose(demo, overrides=overrides)
            # null is free, for what a file says
            assert config.backbone.get("width") is config.data.image_size is None
            small = made_small(config, config_name=demo, overrides=overrides)
            assert small.data.image_size < 300 and small.data.num_val == 5
            with torch.device("meta"):
                build_backbone(small)
            assert small.backbone.get("width", 0.5) == 0.5
        given = ["backbone.width=0.25"]
        small = made_small(compose(demo, overrides=given), config_name=demo, overrides=given)
        assert small.backbone.width == 0.25
