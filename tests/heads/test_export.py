"""The network part of a head exports, with a free batch size, and computes the same."""

import torch
from torch import Tensor, nn

from backbone.mobilenet import MobileNet
from heads.losses import SigmoidCrossEntropy
from heads.ssd import SSDHead


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = MobileNet(width=0.25)
        self.head = SSDHead(
            in_channels=self.backbone.out_channels,
            num_classes=4,
            classification=SigmoidCrossEntropy(),
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.head.outputs(self.backbone(image))
        return outputs.logits, outputs.boxes


def test_ssd_exports_without_decoding() -> None:
    torch.manual_seed(0)
    network = Network().eval()
    shapes = {"image": {0: torch.export.Dim("batch", min=1, max=64)}}
    exported = torch.export.export(network, (torch.rand(2, 3, 96, 96),), dynamic_shapes=shapes)
    image = torch.rand(3, 3, 96, 96) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(exported.module()(image), network(image))
