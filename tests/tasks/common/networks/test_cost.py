"""Costs against the paper's and against hand-written sums."""

from functools import partial

import hydra
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from torch import Tensor, nn

from backbone.mobilenet import ConvMobileNet, MobileNet, ShallowMobileNet
from heads.classification import ClassificationHead
from heads.detection.losses import SigmoidCrossEntropy
from heads.detection.proposals import ProposalNetwork
from heads.faster_rcnn import FasterRCNNHead
from heads.ssd import SSDHead
from tasks.common.networks.cost import Cost, Row, count_cost, table_rows
from tasks.common.settings.configs import CONFIGS


def cost_of(backbone: MobileNet, head: nn.Module, image_size: int) -> Cost:
    whole = nn.ModuleList([backbone, head])
    return count_cost(whole, lambda x: head.outputs(backbone(x)), image_size=image_size)


def classifier_cost(width: float, image_size: int, num_classes: int = 1000) -> Cost:
    backbone = MobileNet(width=width)
    head = ClassificationHead(in_channels=backbone.out_channels, num_classes=num_classes)
    return cost_of(backbone, head, image_size)


# Tables 6, 7 and 9: millions, as printed.
PRINTED = {
    (1.0, 224): (569, 4.2),
    (0.75, 224): (325, 2.6),
    (0.5, 224): (149, 1.3),
    (0.25, 224): (41, 0.5),
    (1.0, 192): (418, 4.2),
    (1.0, 160): (290, 4.2),
    (1.0, 128): (186, 4.2),
    (0.5, 160): (76, 1.32),
}


@pytest.mark.parametrize(("model", "printed"), PRINTED.items(), ids=str)
def test_printed_models_cost_what_the_paper_says(
    model: tuple[float, int], printed: tuple[float, float]
) -> None:
    mult_adds, params = (figure / 1e6 for figure in classifier_cost(*model))
    assert mult_adds == pytest.approx(printed[0], abs=1)
    assert params == pytest.approx(printed[1], abs=0.06)


def formula(width: float, image_size: int) -> tuple[int, int]:
    """Equation 5 of the paper, summed over Table 1, with a classifier of 1,000."""
    blocks = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    blocks += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    side, before = image_size // 2, int(32 * width)
    mult_adds, params = 27 * before * side**2, 27 * before + 2 * before
    for channels, stride in blocks:
        channels, side = int(channels * width), side // stride
        mult_adds += (9 * before + before * channels) * side**2
        params += 9 * before + 2 * before + before * channels + 2 * channels
        before = channels
    return mult_adds + 1000 * before, params + 1000 * before + 1000


@pytest.mark.parametrize("width", [1.0, 0.75, 0.5, 0.25])
@pytest.mark.parametrize("image_size", [224, 192, 160, 128])
def test_sixteen_sizes_equal_the_formula(width: float, image_size: int) -> None:
    assert classifier_cost(width, image_size) == formula(width, image_size)


def test_dogs_have_fewer_classes() -> None:
    assert classifier_cost(1.0, 224, 120).params == pytest.approx(3.330e6, abs=500)
    assert classifier_cost(0.75, 224, 120).params == pytest.approx(1.909e6, abs=500)


def test_ssd_costs_what_the_paper_says() -> None:
    backbone = MobileNet()
    head = SSDHead(
        in_channels=backbone.out_channels, num_classes=91, classification=SigmoidCrossEntropy()
    )
    cost = cost_of(backbone, head, 300)
    assert cost.mult_adds == pytest.approx(1.237e9, abs=0.5e6)  # 1.2 in Table 13
    assert cost.params == pytest.approx(6.8e6, abs=0.05e6)


@pytest.mark.parametrize(("image_size", "printed"), [(300, 25.2e9), (600, 30.5e9)])
def test_faster_rcnn_costs_what_the_paper_says(image_size: int, printed: float) -> None:
    backbone = MobileNet()
    head = FasterRCNNHead(
        in_channels=backbone.out_channels,
        num_classes=91,
        proposals=partial(ProposalNetwork, anchor_sides=[[64, 128, 256, 512]]),
    )
    head.tail = backbone.tail
    whole = nn.ModuleList([backbone, head])
    cost = count_cost(whole, lambda x: head.outputs(backbone.trunk(x)), image_size=image_size)
    assert cost.mult_adds == pytest.approx(printed, rel=0.001)
    assert cost.params == pytest.approx(6.06e6, abs=0.01e6)  # 6.1 in Table 13


def equals_as_printed(ours: int, printed: int | None) -> bool:
    """Whether our figure is the paper's at as many decimals of a million as that has."""
    if printed is None:
        return True
    decimals = len(f"{printed / 1e6:.6f}".rstrip("0").partition(".")[2])
    return abs(ours - printed) <= 0.5 * 10 ** (6 - decimals)


@pytest.fixture(scope="module")
def printed_rows() -> list[Row]:
    GlobalHydra.instance().clear()
    counting = torch.device("meta")  # counts without making or multiplying weights
    with hydra.initialize_config_dir(str(CONFIGS.resolve()), version_base="1.3"), counting:
        return [row for table in range(1, 11) for row in table_rows(str(table))]


def test_what_differs_from_the_paper_is_explained(printed_rows: list[Row]) -> None:
    unexplained = [
        row
        for row in printed_rows
        if not row.note
        and not (
            equals_as_printed(row.mult_adds, row.paper_mult_adds)
            and equals_as_printed(row.params, row.paper_params)
        )
    ]
    assert not unexplained
    assert len(printed_rows) == 32


def test_torchvisions_networks_are_near_the_papers(printed_rows: list[Row]) -> None:
    rows = {row.model: row for row in printed_rows}
    for model in ("VGG16", "AlexNet"):
        assert rows[model].mult_adds == pytest.approx(rows[model].paper_mult_adds, rel=0.03)
        assert rows[model].params == pytest.approx(rows[model].paper_params, rel=0.03)
    assert rows["Inception V3"].mult_adds == pytest.approx(5.74e9, rel=0.03)  # section 4.4
    assert rows["GoogLeNet"].mult_adds == pytest.approx(1550e6, rel=0.035)


# Tables 4 and 5: millions, as printed.
@pytest.mark.parametrize(
    ("backbone", "mult_adds", "params"),
    [(ConvMobileNet, 4867.3, 29.29), (ShallowMobileNet, 307.3, 2.888)],
)
def test_ablations_cost_what_the_paper_says(
    backbone: type[MobileNet], mult_adds: float, params: float
) -> None:
    network = backbone()
    head = ClassificationHead(in_channels=network.out_channels, num_classes=1000)
    cost = cost_of(network, head, 224)
    assert cost.mult_adds / 1e6 == pytest.approx(mult_adds, abs=0.05)
    assert cost.params / 1e6 == pytest.approx(params, abs=0.005)


def test_parts_by_the_names_of_their_layers() -> None:
    """Table 3's third line: 384 to 384 channels at 14x14; and all parts together are the whole."""
    network = MobileNet(width=0.75)
    count = partial(count_cost, network, network, image_size=224)
    block = count(part=r"^blocks\.6\.")
    assert block.mult_adds == (9 * 384 + 384**2) * 14**2
    assert block.params == 9 * 384 + 384**2 + 4 * 384
    parts = [count(part=part) for part in ("stem", "depthwise", "pointwise")]
    assert tuple(map(sum, zip(*parts, strict=True))) == count()


class Odd(nn.Module):
    """Things that are easily counted wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.strided = nn.Conv2d(3, 8, 3, stride=2, padding=1)  # 4x4 out: 27 * 8 * 16
        self.grouped = nn.Conv2d(8, 4, 1, groups=2)  # 4 * 4 * 16
        self.crops = nn.Linear(4, 5)  # on 16 places: 20 * 16
        self.unused = nn.Linear(7, 7)

    def forward(self, image: Tensor) -> Tensor:
        x = self.grouped(self.strided(image))
        return self.crops(x.flatten(2).transpose(1, 2).flatten(0, 1))  # 16 crops of one image


def test_odd_layers_by_hand() -> None:
    module = Odd()
    params = (27 * 8 + 8) + (16 + 4) + (20 + 5) + 56
    expected = Cost(27 * 8 * 16 + 4 * 4 * 16 + 20 * 16, params)
    assert count_cost(module, module, image_size=8) == expected


@pytest.mark.parametrize("training", [True, False])
def test_counting_leaves_the_network_alone(training: bool) -> None:
    network = MobileNet(width=0.25).train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    count_cost(network, network, image_size=32)
    assert network.training is training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(layer._forward_hooks for layer in network.modules())
