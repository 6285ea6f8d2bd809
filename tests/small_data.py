"""Small data sets and weights in their real formats, for runs of a second."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from backbone.mobilenet import MobileNet
from backbone.weights import Weights, save_weights
from heads.detection.losses import SigmoidCrossEntropy
from heads.ssd import SSDHead
from tests.commands import Finished, run_inside

WIDTH, HEIGHT = 80, 60
CATEGORIES = [{"id": 1, "name": "disc"}, {"id": 4, "name": "square"}]
FIRST_IMAGE = 7  # image 7 has annotation 1, image 8 annotation 2, and so on
BOX = [10, 10, 30, 20]
TRAIN = (
    "task=ssd_coco",
    "data.image_size=96",
    "data.batch_size=2",
    "data.num_workers=0",
    "backbone.width=0.25",
    "trainer.max_steps=1",
    "run_dir=run",
)
OUTPUTS = {"metrics.json", "predictions.json", "last.ckpt", "best.ckpt"}

Change = Callable[[dict[str, Any]], Any]


def noise(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """The same picture of noise every time, which has no symmetry."""
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def write_coco(root: Path, *, split: str = "val", change: Change | None = None) -> Path:
    """A COCO folder of three training and two validation photos with a box each.

    Args:
        root: Gets ``annotations``, ``train`` and ``val``.
        split: Whose annotations ``change`` gets, to alter them or to return other content.
        change: None for a folder without faults.
    """
    (root / "annotations").mkdir(parents=True)
    for name, count in (("train", 3), ("val", 2)):
        (root / name).mkdir()
        content: Any = {"images": [], "annotations": [], "categories": CATEGORIES}
        for number in range(count):
            noise().save(root / name / f"{number}.jpg")
            image = {"id": FIRST_IMAGE + number, "file_name": f"{number}.jpg"}
            content["images"].append(image | {"width": WIDTH, "height": HEIGHT})
            content["annotations"].append(
                {
                    "id": number + 1,
                    "image_id": FIRST_IMAGE + number,
                    "category_id": CATEGORIES[number % 2]["id"],
                    "bbox": BOX,
                    "area": 600,
                    "iscrowd": 0,
                }
            )
        content = json.loads(json.dumps(content))  # nothing shared between entries
        if change and name == split:
            content = change(content) or content
        text = content if isinstance(content, str) else json.dumps(content)
        (root / "annotations" / f"instances_{name}.json").write_text(text)
    return root


def write_voc(root: Path, xml: str) -> Path:
    """A VOC folder of one photo, in both lists, with this XML file."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    (root / "Annotations" / "a.xml").write_text(xml)
    noise().save(root / "JPEGImages" / "a.jpg")
    for split in ("train", "val"):
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("a\n")
    return root


def small_weights() -> Weights:
    """A random detector of the two classes that finds plenty."""
    torch.manual_seed(0)
    backbone = MobileNet(width=0.25)
    head = SSDHead(
        in_channels=backbone.out_channels, num_classes=3, classification=SigmoidCrossEntropy()
    )
    for layer in head.class_layers:
        nn.init.normal_(layer.bias)
    tensors = nn.ModuleDict({"backbone": backbone, "head": head}).state_dict()
    description = {
        "backbone": {"name": backbone.name, **backbone.settings},
        "head": {"name": head.name, **head.settings()},
        "label_map": {
            "names": [category["name"] for category in CATEGORIES],
            "ids": [category["id"] for category in CATEGORIES],
        },
        "image_size": 96,
        "batch_norm_folded": False,
    }
    return Weights(tensors, description)


def write_weights(path: Path, **description: Any) -> Path:
    """The detector in a file, with parts of its description replaced, or left out if None."""
    weights = small_weights()
    changed = {**weights.description, **description}
    kept = {key: value for key, value in changed.items() if value is not None}
    save_weights(path, Weights(weights.tensors, kept))
    return path


def evaluate(weights: Path, root: Path, *settings: str, cwd: Path) -> Finished:
    """Scores the weights on a folder; the run folder is ``cwd/run``."""
    data = f"data.root={root}"
    return run_inside(
        *("eval", "task=ssd_coco", f"init={weights}", data, "data.num_workers=0", "run_dir=run"),
        *settings,
        cwd=cwd,
    )


def refuses(done: Finished, *said: object, folder: Path) -> None:
    """Checks that a command ended with one message that says all this, and wrote no result."""
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stderr.count("error: ") == 1, done.stderr
    for text in said:
        assert str(text) in done.stderr, done.stderr
    names = {path.name for path in folder.rglob("*")}
    assert not names & OUTPUTS, names
    half_written = [name for name in names if name.startswith(".")]
    assert not half_written, half_written
