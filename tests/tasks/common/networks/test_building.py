"""From a weights file to a task: settings, classes and batch norm."""

import copy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from torch import Tensor, nn

from backbone.errors import InputError
from backbone.tflite import Convolution, folded_layer
from tasks.common.data.labels import LabelMap
from tasks.common.networks.building import build_task
from tasks.common.networks.checkpoint import Checkpoint
from tasks.common.networks.folding import fix_weights, unfold_batch_norm
from tasks.common.networks.loading import load_weights
from tasks.common.networks.settling import settled
from tasks.common.settings.configs import CONFIGS
from tasks.common.training.task import Task

SIZE = 64
SOURCE = Path("weights.safetensors")
FRUIT = LabelMap(("apple", "pear", "plum", "fig"), (1, 2, 5, 9))


@pytest.fixture(autouse=True)
def composing() -> Iterator[None]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield


def config_of(*overrides: str) -> DictConfig:
    return compose("train", overrides=["task=ssd_coco", "run_dir=run", *overrides])


def new_task(label_map: LabelMap = FRUIT, *overrides: str) -> Task:
    config = config_of("backbone.width=0.25", *overrides)
    return build_task(config, label_map=label_map, image_size=SIZE).eval()


def weights_of(task: Task) -> Checkpoint:
    tensors = {
        name: value.clone()
        for name, value in task.state_dict().items()
        if name.startswith(("backbone.", "head."))
    }
    return Checkpoint(SOURCE, tensors, task.description())


def random_task(seed: int = 0) -> Task:
    torch.manual_seed(seed)
    task = new_task()
    for layer in task.head.class_layers:
        nn.init.normal_(layer.bias)
    return task


def logits(task: Task, image: Tensor) -> Tensor:
    with torch.no_grad():
        return task.head.outputs(task(image)).logits


def photos(number: int = 8) -> Tensor:
    torch.manual_seed(7)
    small = torch.rand(number, 3, 6, 6)
    return (nn.functional.interpolate(small, SIZE, mode="bilinear") * 255).to(torch.uint8)


def test_what_is_null_is_filled_from_the_file() -> None:
    config = settled(config_of(), weights_of(new_task()))
    assert config.backbone.width == 0.25
    assert config.backbone.same_padding is config.backbone.relu6 is True
    assert config.data.image_size == SIZE


def test_what_agrees_is_accepted() -> None:
    settled(config_of("backbone.width=0.25", "data.image_size=64"), weights_of(new_task()))


def test_another_image_size_is_free() -> None:
    config = settled(config_of("data.image_size=300"), weights_of(new_task()))
    assert config.data.image_size == 300


@pytest.mark.parametrize("override", ["backbone.width=0.5", "backbone.relu6=false"])
def test_contradictions_are_refused(override: str) -> None:
    name, _, value = override.partition("=")
    with pytest.raises(InputError, match=rf"(?i){name}={value} contradicts init={SOURCE}"):
        settled(config_of(override), weights_of(new_task()))


def test_the_image_size_belongs_to_the_head() -> None:
    weights = weights_of(new_task())
    weights.description["head"]["name"] = "classification"
    config = settled(config_of(), weights)
    assert config.data.image_size is None and config.backbone.width == 0.25


def test_another_backbone_is_refused() -> None:
    weights = weights_of(new_task())
    weights.description["backbone"]["name"] = "vgg"
    with pytest.raises(InputError, match="for the backbone vgg, not mobilenet"):
        settled(config_of(), weights)


def test_the_same_classes_give_the_same_network() -> None:
    source, image = random_task(), photos()
    target = new_task()
    report = load_weights(target, weights_of(source))
    assert report.started_anew == report.unused == []
    torch.testing.assert_close(logits(target, image), logits(source, image))


@pytest.mark.parametrize("names", [("plum", "apple"), ("fig", "plum", "pear", "apple"), ("pear",)])
def test_classes_of_the_file_are_selected_by_name(names: tuple[str, ...]) -> None:
    source, image = random_task(), photos()
    target = new_task(LabelMap(names, tuple(range(70, 70 + len(names)))))
    report = load_weights(target, weights_of(source))
    assert report.started_anew == []
    rows = [0, *(FRUIT.names.index(name) + 1 for name in names)]
    torch.testing.assert_close(logits(target, image), logits(source, image)[..., rows])


@pytest.mark.parametrize(
    ("names", "new_classes"),
    [
        (("apple", "kiwi"), False),
        (("kiwi", "lime", "yam", "oca"), False),
        (("pear", "fig"), True),
        (FRUIT.names, True),
    ],
)
def test_other_classes_start_anew(names: tuple[str, ...], new_classes: bool) -> None:
    target = new_task(LabelMap(names, tuple(range(len(names)))))
    before = copy.deepcopy(target.state_dict())
    source = random_task()
    weights = weights_of(source)
    report = load_weights(target, weights, new_classes=new_classes)
    assert ("init_classes=new" in report.lines()[-1]) == new_classes
    anew = {name for name in before if name.startswith("head.class_layers.")}
    assert set(report.started_anew) == anew
    state = target.state_dict()
    for name, value in weights_of(source).tensors.items():
        assert torch.equal(state[name], before[name] if name in anew else value)


def test_another_activation_is_refused() -> None:
    target = new_task(
        FRUIT, "head.classification._target_=heads.detection.losses.SoftmaxCrossEntropy"
    )
    with pytest.raises(InputError, match="activation sigmoid, but the settings ask for softmax"):
        load_weights(target, weights_of(random_task()))


@pytest.mark.parametrize("kept", [0.0, 0.9])
def test_too_little_of_a_backbone_is_refused(kept: float) -> None:
    weights = weights_of(random_task())
    sizes = {
        name: value.numel() for name, value in weights.tensors.items() if name[:9] == "backbone."
    }
    total, left = sum(sizes.values()), sum(sizes.values())
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if left > kept * total:
            del weights.tensors[name]  # type: ignore[attr-defined]
            left -= sizes[name]
    with pytest.raises(InputError, match=f"Only {left / total:.0%} of the backbone"):
        load_weights(new_task(), weights)


def test_another_heads_tensors_stay_out() -> None:
    """Even where a name and a shape happen to fit."""
    weights = weights_of(random_task())
    weights.description["head"]["name"] = "another"
    target = new_task()
    before = copy.deepcopy(target.head.state_dict())
    load_weights(target, weights)
    assert all(torch.equal(value, before[key]) for key, value in target.head.state_dict().items())


def folded_weights() -> Checkpoint:
    """As imported: scales and shifts are in the convolutions, batch norm does nothing."""
    weights = weights_of(new_task())
    torch.manual_seed(0)
    tensors = dict(weights.tensors)
    for name in [name for name in tensors if name.endswith(".conv.weight")]:
        fan_in = tensors[name][0].numel()
        weight = torch.randn_like(tensors[name]) * (2 / fan_in) ** 0.5
        bias = torch.randn(len(weight)) / 3 + 0.2
        layer = Convolution(weight, bias, depthwise=False, source=0, target=0)
        tensors |= folded_layer(name.removesuffix(".conv.weight"), layer)
    return Checkpoint(SOURCE, tensors, weights.description | {"batch_norm_folded": True})


def fake_data(batch_size: int = 24) -> Any:
    batches = [{"image": image} for image in photos(batch_size * 10).split(batch_size)]
    served = []

    def train_dataloader() -> Iterator[dict[str, Tensor]]:
        for batch in batches:
            served.append(len(batch["image"]))
            yield batch

    return SimpleNamespace(train_dataloader=train_dataloader, served=served)


def c5(task: Task, image: Tensor) -> Tensor:
    with torch.no_grad():
        return task(image)["c5"]


def test_fine_tuning_starts_from_the_imported_function() -> None:
    task, image, data = new_task(), photos(24), fake_data()
    report = load_weights(task, folded_weights())
    expected = c5(task, image), logits(task, image)
    folded_error = (c5(copy.deepcopy(task).train(), image) - expected[0]).std()
    unfold_batch_norm(task, report, data)
    assert sum(data.served) == 96  # and no more photos than that are read
    assert not task.training
    torch.testing.assert_close(c5(task, image), expected[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(logits(task, image), expected[1], atol=1e-5, rtol=1e-4)
    assert (c5(task.train(), image) - expected[0]).std() < folded_error / 3


def test_batch_norm_is_measured_on_few_photos_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A two-stage detector has hundreds of crops of each."""
    weights = folded_weights()
    task = new_task()
    report = load_weights(task, weights)
    sizes: list[int] = []
    outputs = task.head.outputs

    def spy(features: Any) -> Any:
        sizes.append(len(features["c5"]))
        return outputs(features)

    monkeypatch.setattr(task.head, "outputs", spy)
    unfold_batch_norm(task, report, fake_data())
    assert sum(sizes) == 96 and max(sizes) <= 4


def test_layers_that_start_anew_keep_their_batch_norm() -> None:
    weights = folded_weights()
    for name in [name for name in weights.tensors if name.startswith("head.extras.")]:
        del weights.tensors[name]  # type: ignore[attr-defined]
    task = new_task()
    report = load_weights(task, weights)
    before = copy.deepcopy(task.head.extras.state_dict())
    unfold_batch_norm(task, report, fake_data())
    state = task.head.extras.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in state.items())
    assert (task.backbone.stem.norm.running_mean != 0).any()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_network_that_only_predicts_computes_the_same(precision: str) -> None:
    task, image = random_task(), photos()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
        before = logits(task, image)
        fix_weights(task, precision=precision)
        after = logits(task, image)
    tolerance = 1e-5 if precision == "32-true" else 0.05 * float(before.std())
    torch.testing.assert_close(after, before, atol=tolerance, rtol=1e-4)
