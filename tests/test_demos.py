"""Every demo, cut down to two steps."""

from pathlib import Path

import pytest

from tests.commands import ROOT, run

TINY = (
    "data.num_train=8",
    "data.num_val=3",
    "data.batch_size=4",
    "data.image_size=96",
    "data.num_workers=0",
    "backbone.width=0.25",
    "trainer.max_steps=2",
)
DEMOS = sorted(path.stem for path in (ROOT / "tools").glob("demo_*.py"))


@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo_learns_and_draws(demo: str, tmp_path: Path):
    done = run(demo, *TINY, f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    sheet = tmp_path / "found" / "sheet.jpg"
    assert sheet.stat().st_size > 0
    assert f"Pictures: {sheet}" in done.stdout
