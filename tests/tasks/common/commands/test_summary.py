"""What a run says and leaves at its end is of one set of weights, and can be gone on with."""

import json
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf
from PIL import Image

from backbone.weights import read_weights
from tasks.common.commands.summary import NETWORK, setting
from tests.commands import Finished, run_inside
from tests.small_data import TRAIN, write_coco
from tests.small_runs import DRAWN, FEW, NARROW

RUN = "my run, 1 (a)"  # whatever a user may call a folder

# The steps are too small to move any figure, so that the first of the equal ones is the best: what
# is best is not what is last, and on any machine.
TINY = (
    *(*DRAWN, "data.num_val=12", "data.image_size=64", "data.root=data", NARROW),
    *("trainer.max_epochs=2", "trainer.log_every_n_steps=1"),
    *("optim.lr=1e-9", "schedule=constant"),
    *("task.freeze_batch_norm=true", "trainer.precision=32-true", "pictures.count=6"),
)


class Run(NamedTuple):
    """A finished run."""

    task: str
    folder: Path
    said: str

    @property
    def metrics(self) -> dict[str, float]:
        return read_metrics(self.folder)

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        file = self.folder / name
        return {k: v for k, v in read_weights(file).tensors.items() if "num_batches" not in k}

    def checkpoint(self, name: str) -> Path:
        return self.folder / "checkpoints" / f"{name}.ckpt"


def pasted(line: str) -> list[str]:
    """The words that a shell makes of a line."""
    return shlex.split(line)


def read_metrics(folder: Path) -> dict[str, float]:
    return json.loads((folder / "metrics.json").read_text())


def figures(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name.startswith("val/")}


def equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def ended(done: Finished) -> Finished:
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module", params=["imagenet", "ssd_coco", "face_attributes"])
def run(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp(request.param)
    settings = (*TINY, *pasted(setting("run_dir", Path(RUN))))
    done = ended(run_inside("train", f"task={request.param}", *settings, cwd=folder))
    return Run(request.param, folder / RUN, done.stdout)


@pytest.fixture
def report(run: Run) -> str:
    """Attributes of faces say that the last weights are the result."""
    return "last" if run.task == "face_attributes" else "best"


def test_the_figures_say_whose_they_are(run: Run, report: str) -> None:
    epoch = {"best": 1, "last": 2}[report]
    said = {name: value for name, value in run.metrics.items() if name.endswith(("epoch", "step"))}
    assert said == {f"{report}/epoch": epoch, f"{report}/step": 2 * epoch}
    assert not equal(run.tensors("checkpoints/best.ckpt"), run.tensors("checkpoints/last.ckpt"))
    assert equal(run.tensors(NETWORK), run.tensors(f"checkpoints/{report}.ckpt"))


def test_eval_and_the_network_alone_give_the_same_figures(
    run: Run, report: str, tmp_path: Path
) -> None:
    same = (
        *FEW,
        "data.num_val=12",
        "data.image_size=64",
        "data.root=data",
        "pictures.count=0",
    )
    network = pasted(setting("init", run.folder / NETWORK))
    ways = {
        "checkpoint": pasted(run.said.splitlines()[-1])[2:],
        "network": (f"task={run.task}", "data=demo", *network),
    }
    for name, way in ways.items():
        settings = (*way, *same, f"run_dir={tmp_path / name}")
        done = ended(run_inside("eval", *settings, cwd=run.folder.parent))
        assert figures(read_metrics(tmp_path / name)) == figures(run.metrics)
        assert f"In {tmp_path / name}:" in done.stdout
    labels = read_weights(run.folder / NETWORK).description["label_map"]
    assert labels == read_weights(run.checkpoint(report)).description["label_map"]


def test_the_end_says_where_everything_is_and_what_to_do_next(run: Run, report: str) -> None:
    lines = run.said[run.said.index("These figures are of") :].strip().splitlines()
    assert len(lines) <= 25
    assert f"{report}{' of' if report == 'best' else ', of'} epoch" in lines[0]
    assert "images/s" in lines[0]
    named = "\n".join(lines)
    for name in (NETWORK, "checkpoints/best.ckpt", "checkpoints/last.ckpt", "curves.png"):
        assert name in named and (run.folder / name).is_file()
    assert pasted(lines[-4]) == ["tensorboard", "--logdir", RUN]
    predict, evaluate = map(pasted, lines[-2:])
    assert Path(predict[1]).name == "predict.py" and Path(predict[1]).is_file()
    photos = str(next(Path(run.folder.parent, "data").rglob("*.*g")))
    given = [word.replace("PHOTOS", photos).replace("FOUND", "found") for word in predict[2:]]
    done = ended(run_inside("predict", *given, "data.num_workers=0", cwd=run.folder.parent))
    assert "In found:" in done.stdout and "pictures/" in done.stdout
    assert evaluate[2:] == pasted(setting("checkpoint", Path(RUN, "checkpoints", f"{report}.ckpt")))


def test_the_pictures_are_of_all_classes(run: Run) -> None:
    """Half of the photos are drawn; the first half would have been of half of the classes."""
    drawn = [path.stem.partition("_")[2] for path in (run.folder / "pictures").glob("*.jpg")]
    assert len(drawn) == 6
    if run.task == "imagenet":
        assert len({name.partition("_")[0] for name in drawn}) == 6
    if run.task == "ssd_coco":
        file = run.folder.parent / "data" / "annotations" / "instances_val2017.json"
        truth = json.loads(file.read_text())
        shown = {row["id"] for row in truth["images"] if Path(row["file_name"]).stem in drawn}
        classes = {row["category_id"] for row in truth["annotations"]}
        found = {row["category_id"] for row in truth["annotations"] if row["image_id"] in shown}
        assert len(shown) == 6 and found == classes


def test_the_charts_are_of_the_task(run: Run) -> None:
    wanted = "confusion.png" if run.task == "imagenet" else "precision_recall.png"
    with Image.open(run.folder / wanted) as picture:
        assert min(picture.size) > 300
    assert wanted in run.said


def test_the_curve_has_no_point_of_the_closing_figures(run: Run) -> None:
    rows = (run.folder / "metrics.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["step", "0", "1", "2", "3"]


def test_a_validation_without_a_figure_is_no_best_one(tmp_path: Path) -> None:
    coco = write_coco(tmp_path / "coco", change=lambda content: content | {"annotations": []})
    done = ended(run_inside("train", *TRAIN, f"data.root={coco}", cwd=tmp_path))
    assert "No validation gave a val/map" in done.stderr + done.stdout
    metrics = read_metrics(tmp_path / "run")
    assert metrics["val/map"] == -1 and metrics["last/step"] == 1
    assert not (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()
    assert "checkpoint=run/checkpoints/last.ckpt" in done.stdout


def test_a_best_file_of_another_run_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    """The run goes on from a copy of its last state, elsewhere, and nothing gets better."""
    coco = write_coco(tmp_path / "coco")
    settings = (*TRAIN, f"data.root={coco}", "optim.lr=1e-9", "task.freeze_batch_norm=true")
    ended(run_inside("train", *settings, cwd=tmp_path))
    again = (*settings, "resume=run/checkpoints/last.ckpt", "trainer.max_steps=2", "run_dir=more")
    done = ended(run_inside("train", *again, cwd=tmp_path))
    assert "are in the folder of the run that this one goes on from" in done.stdout + done.stderr
    assert read_metrics(tmp_path / "more")["last/step"] == 2


@pytest.mark.parametrize(
    "path",
    ["runs/a/b.ckpt", "my runs/b.ckpt", "a (1), b/é.ckpt", """it's "x"/b.ckpt""", "lr=0.1/${x}"],
)
def test_a_path_to_paste_is_the_same_path_again(path: str) -> None:
    (word,) = shlex.split(setting("checkpoint", Path(path)))
    override = OverridesParser.create().parse_override(word)
    value = override.value()
    given = OmegaConf.create({override.key_or_group: getattr(value, "text", value)})
    assert given.checkpoint == path
