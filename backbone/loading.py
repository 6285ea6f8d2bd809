"""Copies tensors into a network, and says what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from backbone.errors import InputError

MIN_BACKBONE_LOADED = 0.95  # below this, a file is for another network, whatever its name says


@dataclass
class LoadReport:
    """What became of every tensor, by name, and in words of the class layers."""

    loaded: list[str] = field(default_factory=list)
    started_anew: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    classes: str = "the file has none for this head"

    def lines(self) -> list[str]:
        """The report as text, one line a group and one a tensor that was not simply loaded."""
        return [
            f"tensors loaded: {len(self.loaded)}",
            f"tensors started anew: {len(self.started_anew)}",
            *(f"  {name}" for name in self.started_anew),
            f"tensors of the file not used: {len(self.unused)}",
            *(f"  {name}" for name in self.unused),
            f"class layers: {self.classes}",
        ]


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor]) -> LoadReport:
    """Copies every tensor whose name and shape fit into ``module``.

    Args:
        module: Has ``backbone`` and ``head`` below it.
        tensors: Keyed as ``module.state_dict()``.

    Raises:
        InputError: If under 95% of the backbone's values are in ``tensors``.
    """
    report = LoadReport()
    state = {
        name: value
        for name, value in module.state_dict().items()
        if name.startswith(("backbone.", "head.")) and not name.endswith("num_batches_tracked")
    }
    for name, value in state.items():
        if name in tensors and tensors[name].shape == value.shape:
            value.copy_(tensors[name])  # state_dict shares memory with the module
            report.loaded.append(name)
        else:
            report.started_anew.append(name)
    report.unused = unused_names(tensors, report)
    _check_backbone(state, report)
    return report


def unused_names(tensors: Mapping[str, Tensor], report: LoadReport) -> list[str]:
    """Which of a file's tensors were not loaded, but for batch norm's step counters."""
    unused = tensors.keys() - set(report.loaded)
    return sorted(name for name in unused if not name.endswith("num_batches_tracked"))


def _check_backbone(state: Mapping[str, Tensor], report: LoadReport) -> None:
    sizes = {name: value.numel() for name, value in state.items() if name.startswith("backbone.")}
    share = sum(sizes.get(name, 0) for name in report.loaded) / max(sum(sizes.values()), 1)
    if share < MIN_BACKBONE_LOADED:
        missing = [name for name in report.started_anew if name.startswith("backbone.")]
        raise InputError(
            f"Only {share:.0%} of the backbone is in the weights file; at least "
            f"{MIN_BACKBONE_LOADED:.0%} must be. First missing or of another shape: "
            f"{', '.join(missing[:3])}"
        )
