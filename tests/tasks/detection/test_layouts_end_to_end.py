"""One undivided folder through the whole command."""

import json
from pathlib import Path

from tests.commands import run_inside
from tests.small_data import TRAIN
from tests.tasks.detection.layout_writers import yolo_label_studio


def test_a_folder_of_labels_trains_with_a_share_held_out(tmp_path: Path):
    yolo_label_studio(tmp_path / "set")
    root = f"data.root={tmp_path / 'set'}"
    done = run_inside("train", *TRAIN, root, "data.val_share=0.25", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "run" / "report.txt").read_text()
    for text in (done.stdout, report):
        assert "YOLO: 8 label files, names by classes.txt" in text
        assert "held out by their names: data.val_share=0.25" in text
    assert "val/map" in json.loads((tmp_path / "run" / "metrics.json").read_text())
