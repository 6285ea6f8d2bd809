"""The page shows a network in a file, by its runtime."""

import json
from pathlib import Path

import pytest

from tasks.api import load
from tasks.app.answers import Answers
from tasks.app.models import Models
from tasks.common.predictions.exported import ExportedNetwork
from tasks.common.showing.view import Limits
from tests.app.small_page import file_in, rows, upload
from tests.commands import run_inside
from tests.exported.small_exports import shipped
from tests.small_data import noise


@pytest.mark.parametrize(("task", "of"), [("ssd_coco", "detections"), ("imagenet", "classes")])
def test_a_page_shows_what_the_file_says(
    task: str, of: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = shipped(task, tmp_path, tmp_path_factory)
    noise(200, 140).save(tmp_path / "photo.png")
    (tmp_path / "uploads").mkdir()
    models = Models([app.folder], [])
    listed = {one.path.name: one for one in models.list()}
    assert listed["app"].task == task  # beside the weights it was made of
    answers = Answers(models, tmp_path / "uploads")
    photo = upload(tmp_path / "photo.png", "photo.png", tmp_path / "uploads")
    name = str(listed["app"].path)
    answer = answers.look(name, [photo], [])
    assert isinstance(models.load(name).network, ExportedNetwork)
    page, _ = answers.again(answer.key, Limits(0.0))
    (said,) = json.loads(file_in(page, "predictions.json"))
    assert said[of] == load(app.folder / "app")(tmp_path / "photo.png")[of]
    assert len(rows(page)) == len(said[of]) > 0
    words = [word for word in answer.command.split() if word.startswith("exported=")]
    given = (*words, f"input={tmp_path / 'photo.png'}", f"output={tmp_path / 'found'}")
    done = run_inside("predict", *given, "pictures=null", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
