"""A choice among cells for each photo of an album, in the light of the others."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from backbone.errors import check_number
from heads.cells import CellHead
from heads.head import Batch, Features


class AlbumCellHead(CellHead):
    """Pooled features of an album's photos through an LSTM, then the softmax (PlaNet, section 5).

    The photos of an album follow each other in a batch and share a number in ``batch["album"]``;
    without it, and in ``outputs``, each photo is an album of its own. Read in both directions, so
    that the first photo profits from the last, as PlaNet's best variant.

    Args:
        in_channels: Channels of each backbone feature.
        hidden: Width of the LSTM in each direction.
        **cells: See ``CellHead``.
    """

    name = "cells_album"

    def __init__(self, *, in_channels: Mapping[str, int], hidden: int, **cells: Any) -> None:
        check_number("head.hidden", hidden, at_least=1, whole=True)
        self.hidden = hidden
        super().__init__(in_channels=in_channels, **cells)
        channels = in_channels[self.feature]
        self.lstm = nn.LSTM(channels, hidden, batch_first=True, bidirectional=True)

    def num_inputs(self, channels: int) -> int:
        return 2 * self.hidden

    def outputs(self, features: Features) -> Tensor:
        """Logits of photos that are albums of one, ``(B, num_classes)``."""
        known, _ = self.lstm(self.pooled(features)[:, None])
        logits: Tensor = self.linear(self.dropout(known[:, 0]))
        return logits

    def logits(self, features: Features, batch: Batch) -> Tensor:
        if "album" not in batch:
            return self.outputs(features)
        _, lengths = torch.unique_consecutive(batch["album"], return_counts=True)
        albums = self.pooled(features).split(lengths.tolist())
        known, _ = self.lstm(pack_sequence(albums, enforce_sorted=False))
        logits: Tensor = self.linear(self.dropout(torch.cat(unpack_sequence(known))))
        return logits

    def settings(self) -> dict[str, Any]:
        """The feature that is pooled and the width of the LSTM."""
        return {**super().settings(), "hidden": self.hidden}
