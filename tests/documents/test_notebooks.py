"""The notebooks run from their first cell to their last, and are kept without what they printed."""

import json
from pathlib import Path

import pytest

from tests.commands import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# After the cell of that tag: a step or two, of a small network on a few photos.
TINY = """
data = {"data": "demo", "data.num_train": 8, "data.num_val": 3, "data.batch_size": 4}
size = {"backbone.width": 0.25, "data.image_size": 96}
training = {"trainer.max_steps": 2, "data.num_workers": 0, "pictures.count": 1}
form = {"format": "onnx", "batch": 1}
"""


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(path, as_version=4)
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    notebook.cells.insert(tags.index(["parameters"]) + 1, nbformat.v4.new_code_cell(TINY))
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, resources=resources).execute()
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert any("image/png" in str(output) for cell in outputs for output in cell)
    printed = "".join(output.get("text", "") for output in outputs[-1])
    assert {"own_detector": "boxes by the file", "own_classifier": "small: "}[path.stem] in printed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert code and len(code) < len(content["cells"])
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    lines = "".join(text for cell in content["cells"] for text in [*cell["source"], "\n"])
    assert max(map(len, lines.splitlines())) <= 120
