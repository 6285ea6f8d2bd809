"""Published weights come by name: fetched once, verified, converted; offline it is said how."""

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from backbone.errors import InputError
from backbone.weights import read_weights
from tasks.common.networks import published
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.published import Published, published_names, weights_file
from tests.commands import ROOT, options

NAME = "small_net"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state dict as timm publishes it."""
    path = tmp_path_factory.mktemp("timm") / "net.pth"
    torch.manual_seed(0)
    torch.save(timm.create_model("mobilenetv1_100").state_dict(), path)
    return path


@pytest.fixture
def asked(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[str], Path]]:
    """A server of that file, told of in a YAML; what was asked for, and the folder of the cache."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(state.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        write(tmp_path, url=f"http://127.0.0.1:{server.server_port}/net.pth?v=1", state=state)
        monkeypatch.setattr(published, "PUBLISHED", tmp_path)
        monkeypatch.setenv(published.CACHE, str(tmp_path / "cache"))
        yield paths, tmp_path / "cache"
        server.shutdown()


def write(folder: Path, *, url: str, state: Path) -> None:
    digest = hashlib.sha256(state.read_bytes()).hexdigest()
    size = state.stat().st_size
    file = f"{{url: '{url}', size: {size}, checksum: 'sha256:{digest}'}}"
    (folder / f"{NAME}.yaml").write_text(
        f"task: imagenet\nfiles: [{file}]\nlicence: MIT\npublished: ''\nmeasured: ''\n"
    )


def test_they_are_fetched_and_converted_once(asked: Any) -> None:
    paths, cache = asked
    path = weights_file(NAME)
    assert path == cache / f"{NAME}.safetensors" and paths == ["/net.pth?v=1"]
    assert read_weights(path).description["backbone"]["name"] == "mobilenet"
    assert weights_file(NAME) == path and len(paths) == 1


def test_a_file_that_was_placed_by_hand_is_taken(asked: Any, state: Path) -> None:
    paths, cache = asked
    cache.mkdir()
    (cache / "net.pth").write_bytes(state.read_bytes())
    assert weights_file(NAME).is_file() and paths == []


def test_another_file_is_refused(asked: Any) -> None:
    _, cache = asked
    cache.mkdir()
    (cache / "net.pth").write_bytes(b"another")
    with pytest.raises(InputError, match="not the published file"):
        weights_file(NAME)
    assert not (cache / f"{NAME}.safetensors").exists()


def test_offline_it_is_said_which_file_goes_where(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, url="http://127.0.0.1:9/net.pth", state=state)
    monkeypatch.setattr(published, "PUBLISHED", tmp_path)
    monkeypatch.setenv(published.CACHE, str(tmp_path / "cache"))
    with pytest.raises(InputError) as error:
        weights_file(NAME)
    assert f"place it at {tmp_path / 'cache' / 'net.pth'}" in str(error.value)


def test_a_file_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given in ("mine.safetensors", "runs/mobilenet_1.0_224", "best.ckpt"):
        assert weights_file(given) == Path(given)
    (tmp_path / "mobilenet_1.0_224").mkdir()  # such as an export
    assert weights_file("mobilenet_1.0_224") == Path("mobilenet_1.0_224")
    with pytest.raises(InputError, match=r"Did you mean mobilenet_1.0_224\?"):
        weights_file("mobilenet_1.0_244")


def test_a_published_file_serves_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(b"TFL3")
    with pytest.raises(InputError, match=r"net\.tflite"):  # converted, and found to be damaged
        Checkpoint.read(tmp_path / "net.tflite")


@pytest.mark.parametrize("name", published_names())
def test_what_is_committed_can_be_fetched_and_trusted(name: str) -> None:
    weights = Published.named(name)
    assert weights.task in options("task") and weights.licence == "Apache-2.0"
    for file in weights.files:
        assert file["url"].startswith("https://") and 0 < file["size"] < 10**8
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", file["checksum"])
        pinned = re.search(r"/[0-9a-f]{40}/|generation=\d+", file["url"])
        assert pinned, "an address whose file may change"


def test_the_readme_lists_them() -> None:
    rows = []
    for each in map(Published.named, published_names()):
        size = sum(file["size"] for file in each.files) / 1e6
        told = f"{each.published} | {each.measured} | {each.licence}"
        rows.append(f"| `{each.name}` | {each.task} | {size:.1f} MB | {told} |")
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row not in readme] == []
