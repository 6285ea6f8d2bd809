"""Every application in every format that is installed here: a table of what its files lose.

python -m tests.parity_table FOLDER [--steps 100] [demo_ssd_coco ...]

Trains each demo for some steps, exports the network in each format, scores both on the demo's
validation photos, and compares what they say of one, three and eight photos at a time. A network
that is in the folder already is not trained again.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.api import load
from tasks.common.exported.parity import MAX_PIXELS, MAX_SCORE
from tests.commands import ROOT, run_inside
from tests.exported.small_exports import assert_near
from tests.small_data import noise

NUMBERS = (1, 3, 8)  # of photos
# beside the demos' own heads
HEADS = {
    "demo_ssd_coco": [("head=ssd_pyramid",)],
    "demo_faster_rcnn_coco": [("head=faster_rcnn_fpn",)],
    "demo_planet": [("head=cells_album", "data.album_size=3")],
}
COLUMNS = ["network", "format", "size", "difference", "figure", "checkpoint", "file", "photos"]


def run(*arguments: str, cwd: Path) -> None:
    """Runs a command, and shows what it says if it fails."""
    done = run_inside(*arguments, cwd=cwd)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{done.stderr}")


def rows(demo: str, settings: Sequence[str], folder: Path, *, steps: int) -> list[list[str]]:
    """A line for each format of the network that a demo trains."""
    cut = (f"trainer.max_steps={steps}", "trainer.check_val_every_n_epoch=1000")
    if not (folder / "run" / "metrics.json").exists():
        run(demo, *settings, *cut, "run_dir=run", "data.num_workers=0", cwd=folder)
    if not (folder / "exports").exists():
        given = ("checkpoint=run/checkpoints/last.ckpt", "format=all", "output=exports")
        run("export", *given, "candidates=1000", cwd=folder)
    own = figures(folder, "scored", "checkpoint=run/checkpoints/last.ckpt")
    name = " ".join([demo.removeprefix("demo_"), *settings[:1]])
    made = sorted(path.parent for path in (folder / "exports").glob("*/metadata.json"))
    return [[name, *row(export, own)] for export in made]


def row(export: Path, own: dict[str, float]) -> list[str]:
    """What a file loses, beside what the checkpoint scores."""
    about = json.loads((export / "metadata.json").read_text())
    size = f"{sum(each['bytes'] for each in about['files']) / 1e6:.1f} MB"
    if about["parity"]["passed"] is None:
        return [export.name, size, "not run here", *[""] * 4]
    folder = export.parents[1]
    outputs = about["parity"]["outputs"].values()
    difference = f"{max(each['largest_difference'] for each in outputs):.0e}"
    unit = " pixels" * any("detections" in each for each in outputs)
    file = figures(folder, f"scored_{export.name}", f"exported={export}")
    main = next(iter(file))
    others = max(abs(file[each] - own[each]) for each in file)
    both = [f"{scores[main]:.4f}" for scores in (own, file)]
    return [
        export.name,
        size,
        difference + unit,
        f"{main} (others within {others:.0e})",
        *both,
        "equal" if same_photos(folder, export) else "DIFFER",
    ]


def figures(folder: Path, name: str, network: str) -> dict[str, float]:
    """The figures of validation, the main one first."""
    if not (folder / name / "metrics.json").exists():
        drawn = ("data=demo", "data.root=run/data", "data.num_workers=0")
        run("eval", network, *drawn, f"run_dir={name}", cwd=folder)
    found = json.loads((folder / name / "metrics.json").read_text())
    return {key: value for key, value in found.items() if key.startswith("val/")}


def same_photos(folder: Path, export: Path) -> bool:
    """Whether file and checkpoint say the same of photos, however many are given at a time."""
    both = [load(path) for path in (folder / "run" / "checkpoints" / "last.ckpt", export)]
    photos = [np.asarray(noise(90 + number, 70)) for number in range(max(NUMBERS))]
    try:
        for number in NUMBERS:
            for ours, theirs in zip(*(model(photos[:number]) for model in both), strict=True):
                assert same_detections(ours.pop("detections", []), theirs.pop("detections", []))
                assert_near(ours, theirs)
    except AssertionError:
        return False
    return True


def same_detections(ours: list[Any], theirs: list[Any]) -> bool:
    """Whether each has a partner; of those that are as good as equal either may be left out."""
    left, least = list(theirs), min((one["score"] for one in ours), default=0.0)
    for one in ours:
        partner = next((other for other in left if is_same(one, other)), None)
        if partner is not None:
            left.remove(partner)
        elif one["score"] > least + MAX_SCORE:
            return False
    return all(other["score"] <= least + MAX_SCORE for other in left)


def is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    pixels = np.abs(np.subtract(one["bbox"], other["bbox"])).max()
    near = abs(one["score"] - other["score"]) <= MAX_SCORE and pixels <= 2 * MAX_PIXELS
    return one["name"] == other["name"] and near


def main() -> None:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("demos", nargs="*")
    given = parser.parse_intermixed_args()
    demos = given.demos or sorted(path.stem for path in (ROOT / "tools").glob("demo_*.py"))
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for demo in demos:
        for number, settings in enumerate([(), *HEADS.get(demo, [])]):
            folder = given.folder.resolve() / f"{demo}_{number}"
            folder.mkdir(parents=True, exist_ok=True)
            for cells in rows(demo, settings, folder, steps=given.steps):
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
