"""Networks go to the Hub and come from it: one file of tensors, and no code."""

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from safetensors.torch import load_file

from backbone.errors import InputError
from tasks.api import load
from tasks.common.networks.published import weights_file
from tests.commands import run_inside
from tests.exported.small_exports import written_network
from tests.small_data import noise
from tests.small_runs import SMALL_RUN

REPO = "hf:me/toys"


class Hub(ThreadingHTTPServer):
    """What the Hub says to those who upload and download, with its files in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.tokens: set[str | None] = set()


class Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        self.note()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/repos/create":
            self.say({"url": f"http://{self.headers['Host']}/me/toys"})
        elif "/preupload/" in self.path:
            files = [each["path"] for each in json.loads(body)["files"]]
            modes = {"uploadMode": "regular", "shouldIgnore": False}
            self.say({"files": [{"path": path, **modes} for path in files]})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    content = base64.b64decode(line["value"]["content"])
                    self.server.files[line["value"]["path"]] = content
            url = f"http://{self.headers['Host']}/me/toys/commit/1"
            self.say({"success": True, "commitUrl": url, "commitOid": "1"})
        else:
            self.say({})

    def do_HEAD(self) -> None:
        self.note()
        content = self.found()
        if content is not None:
            self.send(content)

    def do_GET(self) -> None:
        self.note()
        content = self.found()
        if content is not None:
            self.send(content)
            self.wfile.write(content)

    def found(self) -> bytes | None:
        named = re.fullmatch(r"/me/toys/resolve/main/(.+)", self.path)
        content = self.server.files.get(named[1]) if named else None
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound" if named else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
        return content

    def send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def say(self, answer: Any) -> None:
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def note(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.tokens.add(self.headers.get("Authorization"))

    def log_message(self, *_: object) -> None:
        pass


def reach(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the library ask there, as HF_ENDPOINT does when it is imported."""
    files = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", url)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        reach(f"http://127.0.0.1:{server.server_port}", monkeypatch)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
        yield server
        server.shutdown()


@pytest.fixture
def pushed(hub: Hub, tmp_path: Path) -> Path:
    """A folder that was written and sent, with a secret beside what is to be sent."""
    file = written_network("imagenet", tmp_path)
    given = ("task=imagenet", f"init={file.name}", "output=mine", f"repo={REPO}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "secret.txt").write_text("not for others")
    done = run_inside("push", *given, "licence=mit", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "mine"


def test_what_was_sent_comes_back_by_name(hub: Hub, pushed: Path) -> None:
    assert hub.files.keys() == {"weights.safetensors", "README.md"}
    assert "Bearer hf_of_a_test" in hub.tokens
    hub.asked.clear()
    model = load(REPO, task="imagenet")
    assert {line.rpartition("/")[2] for line in hub.asked} == {"weights.safetensors"}
    both = (pushed / "weights.safetensors", weights_file(REPO))
    ours, theirs = map(load_file, both)
    assert ours.keys() == theirs.keys() and all((ours[key] == theirs[key]).all() for key in ours)
    photo = noise(60, 40)
    assert model(photo) == load(both[0], task="imagenet")(photo)


def test_the_page_says_what_it_is_and_how_to_use_it(hub: Hub, pushed: Path) -> None:
    page = hub.files["README.md"].decode()
    assert page.startswith("---\nlicense: mit\nlibrary_name: mobilenet-suite\ntags: [mobilenet, ")
    assert "disc, square, star" in page and 'load("hf:me/toys", task="imagenet")' in page


def test_a_command_starts_from_it(hub: Hub, pushed: Path, tmp_path: Path) -> None:
    noise(60, 40).save(tmp_path / "photo.png")
    given = ("task=imagenet", f"init={REPO}", "input=photo.png", "output=found", "pictures=null")
    done = run_inside("predict", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert {found["name"] for found in entry["classes"]} == {"disc", "square", "star"}


def test_a_runs_best_weights_bring_their_figures(tmp_path: Path) -> None:
    done = run_inside("train", "task=imagenet", *SMALL_RUN, "run_dir=run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    given = ("checkpoint=run/checkpoints/best.ckpt", "output=mine")
    done = run_inside("push", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert json.loads((tmp_path / "mine" / "metrics.json").read_text()) == figures
    page = (tmp_path / "mine" / "README.md").read_text()
    assert f"- val/accuracy: {figures['val/accuracy']:.4g}" in page and "license" not in page


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"cos\nsystem\n(S'touch run'\ntR.", "weights.safetensors"),  # a pickle by another name
        (None, "EntryNotFound|404"),
    ],
)
def test_what_is_no_network_of_ours_is_refused(
    hub: Hub, content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub.files["weights.pt"] = b"which nobody asks for"
    if content:
        hub.files["weights.safetensors"] = content
    with pytest.raises(InputError, match=said):
        load(REPO, task="imagenet")
    assert not (tmp_path / "run").exists()
    assert not any("weights.pt" in line for line in hub.asked)


@pytest.mark.parametrize("name", ["hf:toys", "hf:me/toys/deep", "hf:../../etc@x", "hf:me/toys@"])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="OWNER/NAME"):
        weights_file(name)


def test_without_a_way_to_the_hub_it_is_said_what_to_do(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr(time, "sleep", lambda _: None)  # it asks again and again
    file = written_network("imagenet", tmp_path)
    given = ("task=imagenet", f"init={file.name}", "output=mine", f"repo={REPO}")
    done = run_inside("push", *given, cwd=tmp_path)
    assert done.returncode == 2 and "the Hub" in done.stderr, done
    assert (tmp_path / "mine" / "weights.safetensors").is_file()
    with pytest.raises(InputError, match=r"weights\.safetensors by hand"):
        weights_file(REPO)
