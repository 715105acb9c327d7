"""OpenCLIP's modules as towers. Imports torch, so it is itself imported only where one is built."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class UnitRows(nn.Module):
    """A tower of its own, with rows of length 1."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) unit rows."""
        return nn.functional.normalize(self.tower(batch), dim=-1)


class ImageHalf(nn.Module):
    """The picture half of a whole OpenCLIP model."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) unit rows."""
        rows: torch.Tensor = self.model.encode_image(batch, normalize=True)
        return rows


class TextHalf(nn.Module):
    """The text half of a whole OpenCLIP model."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) unit rows."""
        rows: torch.Tensor = self.model.encode_text(batch, normalize=True)
        return rows
