"""The page as a server: what programs get of it, and what it withstands."""

import concurrent.futures
import json
import os
import socket
import time
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tasks.api import InputError, load
from tests.app.small_page import served_page, upload, written_networks
from tests.commands import run_inside
from tests.small_data import noise

pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[app]'")
gradio_client = pytest.importorskip("gradio_client")
handle_file = gradio_client.handle_file

MEGABYTE = 2**20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    written_networks(folder / "weights", "imagenet")
    noise(200, 140).save(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def client(address: str) -> Any:
    return gradio_client.Client(address, verbose=False)


def memory_mb() -> float:
    """What this process, and with it the server, holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def uploads() -> list[Path]:
    """The files that the server keeps of its users."""
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_program_gets_the_records(client: Any, folder: Path) -> None:
    model = load(folder / "weights" / "imagenet.safetensors")
    said = model(folder / "photo.png")
    for given in ({}, {"model": f"{folder}/weights/imagenet.safetensors", "min_score": 0.34}):
        (entry,) = client.predict(
            photo=handle_file(folder / "photo.png"), api_name="/look", **given
        )
        least = given.get("min_score", 0)
        expected = [row for row in said["classes"] if row["score"] >= least]
        assert [row["name"] for row in entry["classes"]] == [row["name"] for row in expected]
        assert [row["score"] for row in entry["classes"]] == pytest.approx(
            [row["score"] for row in expected], abs=1e-5
        )
        assert (entry["file"], entry["width"], entry["height"]) == ("photo.png", 200, 140)
    assert uploads() == []


def test_a_program_without_python_gets_them_too(address: str, folder: Path) -> None:
    """As curl does it: the lines of docs/app.md."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.png"\r\n\r\n'
    body = head + (folder / "photo.png").read_bytes() + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    (path,) = json.loads(ask(f"{address}/gradio_api/upload", body, kind))
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    given = json.dumps({"data": [file, "", 0]}).encode()
    call = f"{address}/gradio_api/call/look"
    event = json.loads(ask(call, given, {"Content-Type": "application/json"}))["event_id"]
    lines = ask(f"{call}/{event}").decode().splitlines()
    assert "event: complete" in lines
    ((entry,),) = json.loads(lines[-2 if not lines[-1] else -1].removeprefix("data: "))
    assert len(entry["classes"]) == 3 and entry["file"] == "photo.png"


def ask(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers or {})) as answer:
        content: bytes = answer.read()
        return content


def test_fifty_at_once_are_answered_one_after_the_other(client: Any, folder: Path) -> None:
    size = 2000
    pixels = np.tile(cv2.resize(np.array(noise(90, 90)), (size, 30)), (size // 30, 1, 1))
    Image.fromarray(pixels).save(folder / "large.jpg")
    client.predict(photo=handle_file(folder / "large.jpg"), api_name="/look")
    before = memory_mb()
    highest = before

    def look(_: int) -> list[dict]:
        found: list[dict] = client.predict(
            photo=handle_file(folder / "large.jpg"), api_name="/look"
        )
        return found

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        jobs = [pool.submit(look, number) for number in range(50)]
        while not all(job.done() for job in jobs):
            highest = max(highest, memory_mb())
            time.sleep(0.05)
    answers = [job.result() for job in jobs]
    assert all(answer == answers[0] for answer in answers) and answers[0][0]["width"] == size
    assert highest - before < 350  # fifty photos of 12 MB, each decoded twice, would be 1200
    assert uploads() == []


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "a.svg is "),
        (b"just text", "text.jpg", "text.jpg is not an image: it begins with the text"),
    ],
)
def test_what_is_no_photo_is_refused_in_the_commands_words(
    content: bytes, name: str, said: str, client: Any, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Exception, match=said):
        client.predict(photo=handle_file(tmp_path / name), api_name="/look")
    assert uploads() == []


def test_what_is_too_large_takes_no_memory(client: Any, folder: Path, tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    (tmp_path / "long.png").write_bytes(bytes(50 * MEGABYTE))
    before = memory_mb()
    with pytest.raises(Exception, match="400 megapixels; the limit is 100"):
        client.predict(photo=handle_file(tmp_path / "huge.png"), api_name="/look")
    with pytest.raises(Exception, match=r"413|too large|maximum"):
        client.predict(photo=handle_file(tmp_path / "long.png"), api_name="/look")
    assert memory_mb() - before < 150
    assert client.predict(photo=handle_file(folder / "photo.png"), api_name="/look")
    assert uploads() == []


def test_only_uploads_are_read(client: Any, address: str, folder: Path) -> None:
    elsewhere = upload(noise(), "mine.png", folder / "elsewhere")
    file = {"path": elsewhere, "meta": {"_type": "gradio.FileData"}}
    given = json.dumps({"data": [file, "", 0]}).encode()
    call = f"{address}/gradio_api/call/look"
    event = json.loads(ask(call, given, {"Content-Type": "application/json"}))["event_id"]
    assert "event: error" in ask(f"{call}/{event}").decode() and Path(elsewhere).is_file()
    with pytest.raises(Exception, match="fetches nothing from other machines"):
        client.predict(photo=handle_file("https://example.org/a.png"), api_name="/look")


def test_a_port_in_use_is_said(folder: Path, address: str) -> None:
    port = address.rpartition(":")[2]
    with (
        pytest.raises(InputError, match=f"port={port}: the page cannot be served there"),
        served_page(folder, f"port={port}"),
    ):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run_inside("app", f"port={taken.getsockname()[1]}", cwd=folder)
    assert done.returncode == 2 and "Give another port=" in done.stderr, done


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("prot=1", "There is no setting prot. Did you mean port=1?"),
        ("port=seven", "port=seven"),
        ("port=70000", "a whole number from 0 up to 65535 is needed"),
        ("models=[nowhere.ckpt]", "nowhere.ckpt: no network is there"),
        ("host=nowhere.invalid", "host=nowhere.invalid"),
    ],
)
def test_settings_are_refused(setting: str, said: str, tmp_path: Path) -> None:
    done = run_inside("app", setting, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, done
