"""Tables to train on, of photos with Exif and of tables without a split."""

from pathlib import Path

import pytest
from PIL import Image
from pyarrow import csv

from tests.commands import Finished, run_inside


def prepare(root: Path, *settings: str, cwd: Path) -> Finished:
    given = ("output=made.csv", *settings)
    return run_inside("prepare", "dataset=geotagged", f"root={root}", *given, cwd=cwd)


def write_photo(path: Path, degrees: tuple[float, float] | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if degrees:
        exif[0x8825] = {1: "N", 2: (degrees[0], 0.0, 0.0), 3: "W", 4: (degrees[1], 0.0, 0.0)}
    Image.new("RGB", (40, 40)).save(path, exif=exif)


def test_photos_with_exif_make_a_table_to_train_on(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(12):
        write_photo(photos / "deep" / f"{number}.jpg", (5.0 * (number // 2), 3.0))
    write_photo(photos / "none.jpg", None)
    done = prepare(photos, "val_share=0.5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 row dropped, latitude or longitude is missing" in done.stdout
    assert "none.jpg" in done.stdout
    rows = csv.read_csv(tmp_path / "made.csv").to_pylist()
    assert [row["file"] for row in rows[:2]] == ["deep/0.jpg", "deep/1.jpg"]
    assert {row["longitude"] for row in rows} == {-3.0} and rows[0]["latitude"] == 0.0
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["place"], set()).add(row["split"])
    assert len(splits) == 6 and all(len(split) == 1 for split in splits.values())
    assert {row["split"] for row in rows} == {"train", "val"}

    command = done.stdout.split("tools/train.py ")[1].split()
    settings = ("trainer.max_steps=1", "data.image_size=32", "data.num_workers=0", "run_dir=run")
    settings += ("backbone.width=0.25", "data.batch_size=4", "data.max_photos=2")
    trained = run_inside("train", *command, *settings, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr


def test_named_places_stay_whole_and_the_rest_go_by_cells(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = [f"{number}.jpg,{number % 80},7,{'ab '[number % 3].strip()}" for number in range(300)]
    table.write_text("\n".join(["file,lat,lon,place", *rows]))
    assert prepare(table, "val_share=0.5", cwd=tmp_path).returncode == 0
    made = csv.read_csv(tmp_path / "made.csv").to_pylist()
    places = {row["place"] for row in made}
    assert {"a", "b"} < places and None not in places and len(places) == 2 + 80
    assert len({(row["place"], row["split"]) for row in made}) == len(places)
    share = sum(row["split"] == "val" for row in made if row["place"] not in "ab") / 100
    assert 0.3 < share < 0.7


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["root=nowhere"], "nowhere"),
        (["output=made.txt"], "output=made.txt"),
        (["output=null"], "output="),
        (["val_share=2"], "val_share=2"),
        (["val_share=half"], "val_share=half"),
        (["against=dogs"], "no setting against"),
        (["root=split.csv"], "has a split already"),
        (["root=empty.csv"], "no photo has a place"),
    ],
)
def test_wrong_settings_are_refused(settings: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("file,lat,lon,split\na.jpg,1,2,train\n")
    (tmp_path / "empty.csv").write_text("file,lat,lon\na.jpg,,\n")
    done = prepare(tmp_path / "split.csv", *settings, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"split.csv", "empty.csv"}
