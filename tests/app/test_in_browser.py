"""The page in a browser that reaches no other host: what is drawn and listed is the suite's own."""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tasks.api import load
from tasks.common.images.decoding import read_image
from tasks.common.predictions.trained import TrainedNetwork
from tests.app.small_page import CLOSE, decoded, difference, written_networks
from tests.small_data import noise
from tests.tasks.face_embedding.drawn import FOUND, photo_of

pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[app]'")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

TABS = {
    "ssd_coco": ("detect", "detections"),
    "imagenet": ("classify", "classes"),
    "planet": ("place", "cells"),
    "face_attributes": ("faces", "faces"),
}
PATIENCE_MS = 60_000  # on a machine that does more
# Wheels that turn while a user waits are drawn by the processor here.
STILL = "* {animation: none !important; transition: none !important}"
PHONE, DESK = {"width": 390, "height": 800}, {"width": 1200, "height": 900}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    written_networks(folder / "weights", *TABS)
    noise(200, 140).save(folder / "photo.png")
    photo_of(FOUND["ann"]).save(folder / "face.png")
    (folder / "text.jpg").write_text("just text")
    run = folder / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "metrics.json").write_text('{"val/accuracy": 0.625}')
    (run / "config.yaml").write_text("seed: 0\nrun_dir: runs/mine\n")
    noise(60, 40).save(run / "curves.png")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def outside() -> list[str]:
    """What the page asked of other hosts."""
    return []


@pytest.fixture(scope="module")
def page(browser: Any, address: str, outside: list[str]) -> Iterator[Any]:
    """The page, ready, on a desk."""

    def watch(route: Any) -> None:
        url = route.request.url
        if url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            outside.append(url)
            route.abort()

    page = browser.new_page(viewport=DESK)
    page.set_default_timeout(PATIENCE_MS)
    page.route("**/*", watch)
    page.goto(address)
    page.add_style_tag(content=STILL)
    page.wait_for_function("document.querySelector('#model input')?.value.length > 0")
    yield page
    page.close()


def choose(page: Any, field: str, text: str) -> None:
    page.click(f"{field} input")
    page.click(f"[role=option]:has-text('{text}')")


def put_in(page: Any, file: Path) -> None:
    """A photo, in the place of the one that is there."""
    if page.is_visible("#photo [aria-label=Clear]"):
        page.click("#photo [aria-label=Clear]")
    page.set_input_files("#photo input[type=file]", file)


def taken_away(page: Any, tab: str) -> Any:
    address = page.get_attribute(f"#found-{tab} a[download='predictions.json']", "href")
    return json.loads(base64.b64decode(address.partition(",")[2]))


def picture(page: Any, tab: str) -> Any:
    address = page.get_attribute(f"#found-{tab} img", "src")
    return decoded(base64.b64decode(address.partition(",")[2]))


@pytest.mark.parametrize("task", TABS)
def test_a_photo_goes_in_and_what_the_network_says_comes_out(
    task: str, page: Any, folder: Path
) -> None:
    tab, key = TABS[task]
    photo = folder / ("face.png" if tab == "faces" else "photo.png")
    choose(page, "#model", f"{task}.safetensors")
    put_in(page, photo)
    page.wait_for_selector(f"#found-{tab} img")
    assert page.is_visible(f"#found-{tab} img")  # its tab is in front
    (entry,) = taken_away(page, tab)
    assert entry["file"] == photo.name
    listed = page.eval_on_selector_all(
        f"#found-{tab} tr:has(td)", "rows => rows.map(row => row.innerText)"
    )
    assert len(listed) == len(entry[key]) > 0
    model, image = load(folder / "weights" / f"{task}.safetensors"), read_image(photo)
    if tab == "faces":
        assert all(one["name"] in listed[0] for one in entry["faces"][0]["attributes"][:1])
        return
    if tab == "classify":
        assert isinstance(model.network, TrainedNetwork)
        model.network.task.heat_maps = True
        page.wait_for_selector("#found-classify .bar")
    (said,) = model([photo])
    least = float(page.input_value(f"#bound-{tab} input[type=number]"))
    expected = [row for row in said[key] if row["score"] >= least]
    assert [row["name"] for row in entry[key]] == [row["name"] for row in expected]
    assert all(row["name"] in text for row, text in zip(expected, listed, strict=True))
    kept = {**said, key: expected}
    drawn = model.network.described.draw(image.pixels, kept, size=image.size)
    assert difference(picture(page, tab), drawn) < CLOSE


def test_a_slider_shows_less(page: Any, folder: Path) -> None:
    choose(page, "#model", "ssd_coco.safetensors")
    put_in(page, folder / "photo.png")
    page.wait_for_selector("#found-detect img")
    (entry,) = taken_away(page, "detect")
    scores = sorted(row["score"] for row in entry["detections"])
    middle = round(scores[len(scores) // 2], 2)
    number = page.locator("#bound-detect input[type=number]")
    number.fill(str(middle))
    number.blur()
    page.wait_for_function(
        f"document.querySelector('#command-detect textarea').value.includes('min_score={middle:g}')"
    )
    (entry,) = taken_away(page, "detect")
    assert [row["score"] for row in entry["detections"]] == sorted(
        (score for score in scores if score >= middle), reverse=True
    )


def test_two_networks_are_compared(page: Any, folder: Path) -> None:
    choose(page, "#model", "imagenet.safetensors")
    put_in(page, folder / "photo.png")
    page.wait_for_selector("#found-classify img")
    page.click("#tabs [role=tab]:has-text('Compare')")
    choose(page, "#other", "ssd_coco.safetensors")
    page.click("#compare button, button#compare")
    page.wait_for_selector("#found-compare figure:nth-of-type(1)")
    titles = page.eval_on_selector_all(
        "#found-compare figcaption", "all => all.map(one => one.innerText)"
    )
    assert [re.search(r"(\w+)\.safetensors: \d+ ms a photo", title)[1] for title in titles] == [  # type: ignore[index]
        "imagenet", "ssd_coco"
    ]  # fmt: skip
    first, *_ = load(folder / "weights" / "imagenet.safetensors")(folder / "photo.png")["classes"]
    assert first["name"] in page.inner_text("#found-compare .side > div:first-child .bar")


def test_runs_are_listed_with_their_curves(page: Any, folder: Path) -> None:
    page.click("#tabs [role=tab]:has-text('Runs')")
    page.wait_for_selector("#curves img")
    assert "0.625" in page.inner_text("#runs") and "mine" in page.inner_text("#runs")
    address = page.get_attribute("#curves img", "src")
    curves = decoded(base64.b64decode(address.partition(",")[2]))
    assert difference(curves, Image.open(folder / "runs" / "mine" / "curves.png")) < 2 * CLOSE


def test_what_is_no_photo_is_said_above_all(page: Any, folder: Path) -> None:
    put_in(page, folder / "text.jpg")
    page.wait_for_selector("#message [role=alert]")
    said = page.inner_text("#message")
    assert said == "text.jpg is not an image: it begins with the text 'just text'"
    put_in(page, folder / "photo.png")  # and the page goes on
    page.wait_for_selector("#message [role=alert]", state="detached")


def test_a_phone_needs_no_scrolling_aside(page: Any, folder: Path) -> None:
    page.set_viewport_size(PHONE)
    try:
        for task in ("ssd_coco", "imagenet", "planet"):
            tab, _ = TABS[task]
            choose(page, "#model", f"{task}.safetensors")
            put_in(page, folder / "photo.png")
            page.wait_for_selector(f"#found-{tab} img")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], tab
            image = page.eval_on_selector(f"#found-{tab} img", "one => one.offsetWidth")
            assert 0 < image <= PHONE["width"], tab
    finally:
        page.set_viewport_size(DESK)


def test_nothing_was_asked_of_other_hosts(page: Any, outside: list[str]) -> None:
    assert page.evaluate("document.fonts.status") == "loaded"
    assert outside == []
