"""Outputs of the layers of an image half, and when each is there: what a shorter encoder would see.

Imports torch, so it is imported only where a tower is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from core.types import Doubles, Floats

NAMES = "blocks", "resblocks", "stages"


def layers_of(tower: nn.Module) -> list[nn.Module]:
    """The layers that follow each other: the first list of them in the tower; empty without."""
    for name, module in tower.named_modules():
        inside = isinstance(module, (nn.ModuleList, nn.Sequential))
        if inside and name.rpartition(".")[2] in NAMES and len(list(module.children())) > 1:
            return list(module.children())
    return []


def outputs(tower: nn.Module, pixels: Floats) -> tuple[list[Floats], Doubles]:
    """(n, c) means over the positions of each layer's output, and (layers,) seconds until then."""
    found: list[Floats] = []
    ends: list[float] = []

    def keep(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        axes = (2, 3) if output.ndim == 4 else (1,)
        found.append(output.float().mean(dim=axes).numpy())
        ends.append(perf_counter())

    with _hooked(layers_of(tower), keep), torch.inference_mode():
        started = perf_counter()
        tower(torch.from_numpy(np.ascontiguousarray(pixels)))
    return found, np.array(ends) - started


@contextmanager
def _hooked(layers: list[nn.Module], keep: Any) -> Iterator[None]:
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
