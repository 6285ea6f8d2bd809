"""The page of format=web finds in a browser what tools/predict.py finds."""

import functools
import http.server
import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tasks.common.exported.formats import web
from tests.commands import ROOT, run_inside
from tests.exported.small_exports import export, written_network
from tests.small_data import noise

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
# npm pack onnxruntime-web, unpacked here; no part of the project
RUNTIMES = [ROOT / "node_modules" / "onnxruntime-web", Path("/usr/share/nodejs/onnxruntime-web")]
LEAST = 1  # percent, of what is listed
PATIENCE_MS = 120_000  # on a machine that does more


def runtime_folder() -> Path | None:
    return next(
        (path for path in RUNTIMES if (path / "dist" / web.RUNTIME_FILES[0]).is_file()), None
    )


needs_browser = pytest.mark.skipif(
    not (CHROMIUM and runtime_folder()), reason="needs Chromium and node_modules/onnxruntime-web"
)


@pytest.fixture(scope="module")
def false_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime") / "package" / "dist"
    folder.mkdir(parents=True)
    for name in web.RUNTIME_FILES:
        (folder / name).write_text(name)
    return folder.parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, false_runtime: Path) -> Path:
    """Pages of a detector and of a classifier, with a photo beside them."""
    folder = tmp_path_factory.mktemp("web")
    noise(250, 170).save(folder / "photo.png")
    runtime = runtime_folder() or false_runtime
    for task in ("ssd_coco", "imagenet"):
        file = written_network(task, folder)
        given = (f"task={task}", f"init={file}", "format=web", f"runtime={runtime}")
        done = export(*given, "calibration=photo.png", f"output={task}", cwd=folder)
        assert done.returncode == 0, done.stderr
        shutil.copy(folder / "photo.png", folder / task)
    return folder


def test_a_page_has_all_that_it_needs(folder: Path) -> None:
    page = folder / "imagenet"
    text = (page / "index.html").read_text()
    assert f'data-runtime="{web.CDN}"' in text and 'src="page.js"' in text
    for name in (*web.PAGE_FILES, "model.onnx", "metadata.json"):
        assert (page / name).stat().st_size > 0
    assert sorted(path.name for path in (page / "runtime").iterdir()) == sorted(web.RUNTIME_FILES)
    assert json.loads((page / "metadata.json").read_text())["format"] == "web"
    used = set(re.findall(r'at\("(\w+)"\)', (page / "page.js").read_text()))
    assert used <= set(re.findall(r'id="(\w+)"', text))
    # nothing else is fetched from the net
    urls = re.findall(
        r"https?://[\w./@-]+", "".join((page / n).read_text() for n in web.PAGE_FILES)
    )
    assert set(urls) == {web.CDN}


def test_a_runtime_that_is_none_is_refused(folder: Path) -> None:
    given = ("task=imagenet", "init=imagenet.safetensors", "format=web", "runtime=imagenet")
    done = export(*given, "output=refused", cwd=folder)
    assert done.returncode == 2 and "ort.wasm.min.mjs" in done.stderr and "npm pack" in done.stderr


class Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map: ClassVar = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def page_in_browser(folder: Path, asked: str, *flags: str) -> Iterator[Any]:
    """The page of a folder, open in a real browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    given = ["--no-sandbox", "--disable-gpu", *flags]
    with served(folder) as url, playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=given)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{url}/index.html?{asked}")
        yield page
        browser.close()


def listed(page: Any) -> list[dict[str, Any]]:
    """The rows that a page lists."""
    rows = page.locator("#found li").evaluate_all(
        "rows => rows.map(row => [row.firstChild.textContent, row.dataset.score, row.dataset.box])"
    )
    return [
        {"name": name, "score": float(score), "box": [float(x) for x in (box or "").split()]}
        for name, score, box in rows
    ]


def seen_in_browser(folder: Path) -> list[dict[str, Any]]:
    """The rows that the page lists for its photo."""
    with page_in_browser(folder, f"picture=photo.png&least={LEAST}") as page:
        page.locator("body[data-done=yes]").wait_for()
        return listed(page)


@needs_browser
@pytest.mark.parametrize("task", ["ssd_coco", "imagenet"])
def test_the_browser_finds_what_the_command_finds(folder: Path, task: str) -> None:
    given = (f"exported={task}", "input=photo.png", f"output={task}_found", "pictures=null")
    done = run_inside("predict", *given, f"min_score={LEAST / 100}", cwd=folder)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((folder / f"{task}_found" / "predictions.json").read_text())
    expected = entry["detections" if task == "ssd_coco" else "classes"]
    found = seen_in_browser(folder / task)
    assert expected and len(found) == len(expected)
    sure = expected[:20]  # of those that are as good as equal either may come first
    assert all(any(is_same(ours, theirs) for theirs in found) for ours in sure)


@needs_browser
def test_the_camera_is_looked_at_as_a_picture_is(folder: Path) -> None:
    """A film of one photo stands in for a camera; its colours are not quite those of the photo."""
    frame = noise(640, 480)
    frame.save(folder / "frame.jpg", quality=95, subsampling=0)
    (folder / "camera.mjpeg").write_bytes((folder / "frame.jpg").read_bytes() * 30)
    given = ("exported=imagenet", "input=frame.jpg", "output=frame_found", "pictures=null")
    done = run_inside("predict", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((folder / "frame_found" / "predictions.json").read_text())
    expected = {one["name"]: one["score"] for one in entry["classes"]}
    camera = (
        *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
        f"--use-file-for-fake-video-capture={folder / 'camera.mjpeg'}",
    )
    with page_in_browser(folder / "imagenet", "least=0", *camera) as page:
        page.get_by_text("Choose a picture").wait_for()
        page.locator("#camera").click()
        page.get_by_text("frames a second").wait_for()
        found = {row["name"]: row["score"] for row in listed(page)}
        page.locator("#camera").click()
        assert page.locator("#camera").text_content() == "Camera"  # which opens it again
    assert found and max(found, key=found.__getitem__) == max(expected, key=expected.__getitem__)
    assert all(found[name] == pytest.approx(score, abs=0.01) for name, score in expected.items())


def is_same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether a row of the page is a row of the command, within rounding."""
    same = ours["name"] == theirs["name"] and abs(ours["score"] - theirs["score"]) < 0.002
    if "bbox" not in ours:
        return same and not theirs["box"]
    left, top, width, height = ours["bbox"]
    corners = [left, top, left + width, top + height]
    return same and theirs["box"] == pytest.approx(corners, abs=0.5)
