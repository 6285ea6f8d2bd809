"""Every detector teaches all of every backbone that it takes, as several processes require."""

import pytest
import torch
from hydra import compose, initialize_config_dir

from backbone.errors import InputError
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.settings.configs import CONFIGS
from tests.commands import options
from tests.heads.detectors import random_batch

SIDE = 96
HEADS = [name for name in options("head") if name.startswith(("ssd", "faster", "mask"))]
OF_OTHER_STRIDES = {("vgg16_deeplab", "ssd_pyramid"), ("vgg16_deeplab", "faster_rcnn_fpn")}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("backbone", ["mobilenet", "inception_v2", "vgg16_deeplab"])
def test_every_parameter_gets_a_gradient(backbone: str, head: str) -> None:
    torch.manual_seed(0)
    overrides = ["task=ssd_coco", f"backbone={backbone}", f"head={head}", "run_dir=run"]
    overrides += ["backbone.width=0.25"] if backbone == "mobilenet" else []
    overrides += ["head.crop_size=4", "head.num_sampled=8"] if "rcnn" in head else []
    overrides += ["head.features=[c3,c5]"] if head == "ssd_vgg" else []
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        config = compose("train", overrides=overrides)
    labels = LabelMap(("a", "b", "c"), (1, 2, 3))
    if (backbone, head) in OF_OTHER_STRIDES:
        with pytest.raises(InputError, match="strides"):
            build_task(config, label_map=labels, image_size=SIDE)
        return
    task = build_task(config, label_map=labels, image_size=SIDE)
    batch = random_batch([3, 2]) | {"image": (torch.rand(2, 3, SIDE, SIDE) * 255).to(torch.uint8)}
    batch["masks"] = torch.ones(2, 3, 8, 8, dtype=torch.uint8)
    sum(task.head.loss(task(batch["image"]), batch).values()).backward()
    assert not [name for name, value in task.named_parameters() if value.grad is None]
