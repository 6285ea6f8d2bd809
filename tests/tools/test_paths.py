"""Files and folders are what they are called, whatever their names mean to Hydra."""

import json
import unicodedata
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from tasks.common.commands.request import unquoted
from tasks.common.settings.writing import path_as_text, unreadable_as_text, written
from tests.commands import run_inside
from tests.photo_files import write_photos

NAMES = [
    *("#1", "1.10", "100%", "2024_01", "[x]", "a,b", "a=b", "caf\u00e9", "it's"),
    *("my photos (1)", "tilde~", "true", "$x", "1e3"),
]
SETTINGS = (
    *("task=imagenet", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
    *("backbone.width=0.25", "trainer.max_steps=1", "pictures.count=0", "ema_decay=null"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Where there is a network, and a folder of each name with a photo and with classes."""
    folder = tmp_path_factory.mktemp("paths")
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            write_photos(folder / "data" / split / name, ["a.png", "b.png"])
    for name in NAMES:
        write_photos(folder / name, ["p.png"])
    done = run_inside("train", *SETTINGS, "data.root=data", "run_dir=my run (1)", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name(name: str, place: Path):
    checkpoint = "checkpoint=my run (1)/checkpoints/last.ckpt"
    output = f"output=found/{name}" if name != "true" else "output=found"
    done = run_inside("predict", checkpoint, f"input={name}", output, cwd=place)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((place / output.removeprefix("output=") / "predictions.json").read_text())
    assert entry["file"] == f"{name}/p.png"


def test_home(place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(place))
    quoted = "checkpoint='my run (1)/checkpoints/last.ckpt'"
    done = run_inside("eval", quoted, "data.root=~/data", "run_dir=~/scored", cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "scored" / "metrics.json").is_file()


KEYS = ("data.root", "input", "output", "run_dir", "checkpoint", "init")
NASTY = [
    *NAMES,
    *(unicodedata.normalize("NFD", "caf\u00e9"), "\u65e5\u672c\u8a9e", "emoji \U0001f4f7"),
    *(" leading", "trailing ", "a  b", "a\tb", "(1)", "{x}", "{a:b}", "=a", "a&b", "a#b", "#"),
    *('say "hi"', "a'b\"c", ",", "-leading", "--dash", "+a", "a+b", "@x", "!x", "^", "a:b", "a;b"),
    *("a|b", "a\\b", "back\\", "two\\\\", "a*b?", "`b`", "<a>", "?", "..a", "~tilde", "x" * 240),
    *("0x10", "None", "nan", "inf", "007", "1_000", "yes", "on", "a$(b)", "NULL", "True"),
]
IF_THERE = ["[a,b]", "'quoted'", '"quoted"', "${x}", "~"]  # which mean something else by themselves


def taken(text: str) -> object:
    """What the settings have of ``key=value``."""
    override = OverridesParser.create().parse_override(text)
    config = OmegaConf.create({})
    OmegaConf.update(config, override.key_or_group, override.value(), force_add=True)
    return OmegaConf.select(config, override.key_or_group)


@pytest.mark.parametrize("name", NASTY)
def test_a_path_is_its_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        text = path_as_text(f"{key}={name}")
        assert taken(text) == taken(written(key, name)) == name
        assert unquoted(text.partition("=")[2]) == name


@pytest.mark.parametrize("name", IF_THERE)
def test_a_path_that_is_there_is_its_name(name: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in KEYS:
        assert path_as_text(f"{key}={name}") != f'{key}="{name}"'
    (tmp_path / name).mkdir()
    for key in KEYS:
        assert taken(path_as_text(f"{key}={name}")) == name


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("naïve", "naïve"),
        ("hat (any)", "hat (any)"),
        ("[5_o_Clock,hat (any), a=b,naïve]", ["5_o_Clock", "hat (any)", "a=b", "naïve"]),
        ("[données/a (1),b]", ["données/a (1)", "b"]),
        ("['a b',c]", ["a b", "c"]),
        ("[1,x]", [1, "x"]),
        ("0.5", 0.5),
    ],
)
def test_what_the_parser_cannot_read_is_text(value: str, meant: object):
    assert taken(unreadable_as_text(f"data.some={value}")) == meant


def test_words_of_the_parsers_own_can_be_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert taken(path_as_text("resume=null")) is None
    (tmp_path / "null").mkdir()
    assert taken(path_as_text("input=null")) == "./null"
    assert taken(path_as_text("input=???")) == "./???"


def test_a_run_folder_stands_for_its_best_checkpoint(place: Path):
    for given, output in (("my run (1)", "best"), ("my run (1)/checkpoints", "again")):
        done = run_inside(
            "predict", f"checkpoint={given}", "input=#1", f"output={output}", cwd=place
        )
        assert done.returncode == 0, done.stderr
    done = run_inside("predict", "checkpoint=#1", "input=#1", "output=none", cwd=place)
    assert done.returncode == 2 and "#1" in done.stderr
