"""torchvision's own small detector, trained on our data for a given time, to compare accuracy."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import seed_everything
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from backbone.errors import InputError, check_number
from tasks.common.commands.recording import write_json
from tasks.common.commands.request import Request
from tasks.common.commands.run_folder import claim_run, draw_data
from tasks.common.images.geometry import boxes_to_photo
from tasks.common.machine.computing import Computing
from tasks.common.machine.cores import take_cores
from tasks.common.machine.hardware import fastest_precision
from tasks.common.settings.targets import build
from tasks.common.training.decay import parameter_groups
from tasks.common.training.ema import growing_average
from tasks.detection.bench.torchvision_one_stage import as_targets
from tasks.detection.data import DetectionData
from tasks.detection.metric import CocoMetric
from tasks.detection.records import DetectionRecords

SECONDS_BETWEEN_LINES = 30

logger = logging.getLogger(__name__)


def train_ssdlite(request: Request) -> dict[str, float]:
    """Trains ``ssdlite320_mobilenet_v3_large`` from scratch and scores it as we score ours.

    It gets our loader, augmentation, optimiser, warm-up and cosine, running average of the weights,
    precision and memory format, so that what remains is the network, its loss and its code. The
    learning rate follows the clock instead of the steps: the time is what both have equally. It
    runs on the CPU.

    Args:
        request: Of ``configs/peer.yaml``.

    Returns:
        What ``metrics.json`` says.
    """
    config = request.config
    check_number("seconds", config.seconds, above=0)
    if torch.cuda.is_available():
        raise InputError("This compares on the CPU: set CUDA_VISIBLE_DEVICES= for both sides")
    results = claim_run(request)
    take_cores(config)
    seed_everything(config.seed, verbose=False)
    data: DetectionData = build(config.data)
    draw_data(data, results)
    network = ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=len(data.label_map) + 1
    ).to(memory_format=torch.channels_last)
    optimizer = build(config.optim)(parameter_groups(network))
    average = growing_average(config.ema_decay)
    averaged = AveragedModel(network, multi_avg_fn=average, use_buffers=True)
    results.make_way()
    images, seconds = _train(network, averaged, optimizer, data, seconds=config.seconds)
    metrics = {f"val/{name}": value for name, value in _validate(averaged, data).items()}
    metrics |= {
        "train/images_per_second": images / seconds,
        "train/images": images,
        "num_params": sum(p.numel() for p in network.parameters()),
    }
    write_json(results.folder / "metrics.json", metrics)
    return metrics


def _train(
    network: nn.Module,
    averaged: AveragedModel,
    optimizer: torch.optim.Optimizer,
    data: DetectionData,
    *,
    seconds: float,
) -> tuple[int, float]:
    """Images trained on and the time it took."""
    peak = optimizer.param_groups[0]["lr"]
    network.train()
    computing = Computing(torch.device("cpu"), fastest_precision())
    start, images, said = time.perf_counter(), 0, 0.0
    for batch in _endless(data):
        passed = time.perf_counter() - start
        if passed >= seconds:
            return images, passed
        for group in optimizer.param_groups:
            group["lr"] = peak * _cosine_with_warmup(passed / seconds)
        photos, targets = as_targets(batch)
        with computing.autocast():
            losses: dict[str, Tensor] = network(photos, targets)
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        averaged.update_parameters(network)
        images += len(photos)
        if passed - said > SECONDS_BETWEEN_LINES:
            said = passed
            logger.info("%4.0f s  %d images  loss %.3f", passed, images, float(total))
    raise AssertionError("the loader never ends")


def _endless(data: DetectionData) -> Iterator[dict[str, Any]]:
    loader = data.train_dataloader()
    epoch = 0
    while True:
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        yield from loader
        epoch += 1


def _cosine_with_warmup(done: float, *, warmup: float = 0.05) -> float:
    if done < warmup:
        return done / warmup
    return 0.5 * (1 + torch.cos(torch.tensor(torch.pi * (done - warmup) / (1 - warmup))).item())


@torch.no_grad()
def _validate(network: nn.Module, data: DetectionData) -> dict[str, float]:
    network.eval()
    annotations = data.val_annotations
    ids = torch.tensor(annotations.label_map.ids)
    metric = CocoMetric(annotations, reference=True)
    for batch in data.val_dataloader():
        photos, _ = as_targets(batch)
        found = network(photos)  # in float32, as our figures are
        counts = torch.tensor([len(one["scores"]) for one in found])
        image = torch.arange(len(found)).repeat_interleave(counts)
        boxes = torch.cat([one["boxes"] for one in found]).float()
        metric.update(
            DetectionRecords(
                images=batch["id"],
                image=batch["id"][image],
                boxes_original=torch.from_numpy(
                    boxes_to_photo(boxes.cpu().numpy(), batch["frame"][image].cpu().numpy())
                ),
                scores=torch.cat([one["scores"] for one in found]).float(),
                category_ids=ids[torch.cat([one["labels"] for one in found]) - 1],
            )
        )
    return metric.compute()
