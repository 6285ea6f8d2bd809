"""Whether another checkout trains as this one does, bit for bit: for changes that move code.

python -m tests.compare_trees OTHER [--steps 20] [demo_imagenet ...]

Runs each demo for a few steps in both, and compares the losses of every step and the weights that
are left.
"""

import argparse
import csv
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

from tests.commands import ROOT


def losses(run: Path) -> list[dict[str, str]]:
    """What each step logged of its losses."""
    with (run / "metrics.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("train/loss")]
    kept = sorted(key for key in rows[0] if key.startswith("train/") and "second" not in key)
    return [{key: row[key] for key in kept} for row in rows]


def weights(run: Path) -> str:
    """A number for all tensors of the network, by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(load_file(run / "weights.safetensors").items()):
        digest.update(name.encode() + tensor.tobytes())
    return digest.hexdigest()[:12]


def train(tree: Path, demo: str, steps: int, folder: Path) -> Path:
    """The run folder of a demo that was cut short."""
    settings = (f"trainer.max_steps={steps}", "trainer.log_every_n_steps=1", "data.num_workers=0")
    subprocess.run(
        [sys.executable, f"tools/{demo}.py", f"run_dir={folder}", *settings],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return folder


def main() -> None:
    """Prints a row a demo; ends with 1 if any differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("demos", nargs="*", default=[])
    given = parser.parse_intermixed_args()
    demos = given.demos or sorted(path.stem for path in (ROOT / "tools").glob("demo_*.py"))
    same = True
    for demo in demos:
        with tempfile.TemporaryDirectory() as folder:
            theirs, ours = (
                train(tree, demo, given.steps, Path(folder, name))
                for tree, name in ((given.other.resolve(), "theirs"), (ROOT, "ours"))
            )
            steps = len(losses(ours))
            equal = losses(theirs) == losses(ours), weights(theirs) == weights(ours)
            print(f"{demo:24} {steps:3} losses {'equal' if equal[0] else 'DIFFER':7}", end=" ")
            print(f"weights {weights(theirs)} {weights(ours)} {'equal' if equal[1] else 'DIFFER'}")
            sys.stdout.flush()
            same &= all(equal)
    sys.exit(not same)


if __name__ == "__main__":
    main()
