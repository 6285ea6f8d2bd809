"""The benchmark runs and compares like with like. How fast anything is depends on the machine."""

import json
from functools import partial

import pytest
import torch

from backbone.mobilenet import MobileNet
from heads.detection.losses import SoftmaxCrossEntropy
from heads.ssd import SSDHead
from tasks.common.machine.hardware import prediction_precisions
from tasks.common.machine.timing import MIN_ROUNDS, Row, durations, median_seconds, rows_as_text
from tasks.detection.bench.torchvision_one_stage import torchvision_ssd
from tests.commands import ROOT, Finished, run_inside

PRECISIONS = prediction_precisions()
TINY = (
    "seconds=0.01",
    "batch_size=2",
    "width=0.1",
    "num_classes=3",
    "num_photos=2",
    "num_scored=8",
)


def bench(*overrides: str) -> Finished:
    return run_inside("bench", *TINY, *overrides, cwd=ROOT)


def test_every_part_has_its_rows():
    result = bench("format=json", "photo_sizes=[64]")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert {"processor", "cores", "bf16", "torch"} <= report["machine"].keys()
    assert [(row["what"], row["goal"]) for row in report["rows"]] == [
        ("training step", 2.2),
        ("training step", 1.1),
        *[("predict, trained", 2.0), ("predict, random weights", 4.0)] * len(PRECISIONS),
        ("loading, paper", 1.5),
        ("loading, strong, no mosaic", 1.5),
        ("loading, strong", None),
        ("COCO scoring", 4.0),
    ]
    for row in report["rows"]:
        assert set(row) == set(Row._fields)
        faster = row["ours"] / row["peer"] if "/s" in row["unit"] else row["peer"] / row["ours"]
        assert row["ratio"] == pytest.approx(faster)
    assert report["rows"][-1]["note"].endswith("figures equal")


def test_two_stages_have_a_peer_of_their_own():
    result = bench("task=faster_rcnn_coco", "parts=[train,predict]", "format=json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert [(row["what"], row["goal"]) for row in rows] == [
        ("training step", 1.5),
        ("training step", None),
        *[("predict, trained", 1.5), ("predict, random weights", 1.5)] * len(PRECISIONS),
    ]
    measured = [row["note"].split("pixels, ")[1].partition(";")[0] for row in rows[2::2]]
    assert measured == PRECISIONS and measured[0] == "32-true"  # what users get comes first


def test_classifiers_are_measured_beside_timms():
    result = bench("task=imagenet", "parts=[train,predict,loading]", "format=json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert [(row["what"], row["goal"]) for row in rows] == [
        ("training step", 2.5),
        ("training step", 1.0),
        *((f"predict, {precision}", goal) for precision in PRECISIONS for goal in (2.5, 1.0)),
        ("loading, paper", 1.5),
        ("loading, modern", 1.5),
    ]


def test_one_pass_for_two_heads_is_measured_beside_two_networks():
    result = bench("task=multitask_faces", "data.image_size=64", "format=json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    found = [(row["note"].partition(",")[0], row["goal"]) for row in rows]
    assert found == [("batch 2", 1.67), ("batch 1", 1.67)] * len(PRECISIONS)


@pytest.mark.parametrize("task", ["facenet_distill", "face_attributes"])
def test_a_task_without_a_peer_says_so(task):
    result = bench(f"task={task}")
    assert result.returncode == 2
    assert "no benchmark" in result.stderr


def test_shards_are_measured_beside_a_folder_and_cells_beside_s2spheres():
    result = bench("task=planet", "format=json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)["rows"]
    assert [(row["what"], row["unit"], row["goal"]) for row in rows] == [
        ("loading from shards", "photos/s", 1.0),
        ("loading from shards", "photos/s", 1.0),
        ("ids of cells", "ids/s", 100),
    ]
    refused = bench("task=planet", "parts=[train]")
    assert refused.returncode == 2 and "task=imagenet" in refused.stderr


@pytest.mark.parametrize("override", ["parts=[speed]", "format=xml"])
def test_a_wrong_setting_is_refused(override):
    result = bench(override)
    assert result.returncode == 2
    assert override.split("=")[0] in result.stderr


def test_contestants_take_turns():
    calls = []
    seconds = median_seconds({name: partial(calls.append, name) for name in "ab"}, seconds=0)
    assert "".join(calls).replace("ab", "") == ""
    assert set(seconds) == {"a", "b"}


def test_of_calls_in_a_row_the_first_does_not_count():
    calls = []
    found = durations({n: partial(calls.append, n) for n in "ab"}, seconds=0, in_a_row=3)
    assert "".join(calls).removeprefix("abab").replace("aaaabbbb", "") == ""
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(
        "ab", 3 * MIN_ROUNDS
    )


def test_a_row_without_a_goal_is_printed():
    text = rows_as_text([Row("loading", 2.0, 1.0, "photos/s", 2.0, None, "")], {"cores": "2"})
    assert "| loading | 2    | 1    | photos/s | 2.00x |      |      |" in text
    assert text.endswith("cores 2")


def test_the_peer_computes_what_we_do():
    """On an image of the network's size, so that only the detector itself is compared."""
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = SSDHead(
        in_channels=backbone.out_channels,
        num_classes=4,
        classification=SoftmaxCrossEntropy(),
        class_bias=0.0,
        score_threshold=0.3,
        max_candidates=10_000,
    )
    image = torch.rand(2, 3, 300, 300)
    for layer in (*backbone.modules(), *head.modules()):
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        head.outputs(backbone(image * 2 - 1))  # for batch norm statistics
    peer = torchvision_ssd(backbone.eval(), head.eval(), image_size=300).eval()
    peer.topk_candidates = 10_000
    with torch.no_grad():
        features = backbone(image * 2 - 1)
        ours = head.predict(features, {"image": image})
        theirs = peer(list(image))
        outputs = head.outputs(features)
        raw = peer.head(list(peer.backbone(image * 2 - 1).values()))
    torch.testing.assert_close(raw["cls_logits"], outputs.logits)
    torch.testing.assert_close(raw["bbox_regression"], outputs.boxes)
    for index, found in enumerate(theirs):
        mine = ours.image == index
        assert mine.sum() == len(found["scores"]) > 0
        torch.testing.assert_close(ours.scores[mine], found["scores"])
        torch.testing.assert_close(ours.labels[mine] + 1, found["labels"])
        torch.testing.assert_close(ours.boxes[mine], found["boxes"], atol=1e-3, rtol=1e-4)
