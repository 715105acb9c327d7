"""A text half with more positions than it was made with. Imports torch: imported to build one."""

from __future__ import annotations

import torch
from torch import nn

from core.encoders.long_texts import kept, stretched
from core.errors import InputError

TABLES = ("positional_embedding", "position_embeddings.weight")


class Stretched(nn.Module):
    """The same half with other tensors in the place of some; its weights are shared."""

    def __init__(self, tower: nn.Module, swaps: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.tower = tower
        self.names = tuple(swaps)
        for place, tensor in enumerate(swaps.values()):
            self.register_buffer(f"swap{place}", tensor, persistent=False)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) unit rows."""
        swaps = {name: getattr(self, f"swap{place}") for place, name in enumerate(self.names)}
        rows: torch.Tensor = torch.func.functional_call(self.tower, swaps, (batch,))
        return rows


def stretch(half: nn.Module, context: int, mode: str) -> Stretched:
    """The text half with its positions stretched.

    Args:
        half: token numbers to unit rows.
        context: positions it was trained on.
        mode: "stretch" or "interpolate".

    Raises:
        InputError: its positions are of a kind that cannot be stretched.
    """
    tensors = {**dict(half.named_parameters()), **dict(half.named_buffers())}
    names = [n for n in tensors if n.endswith(TABLES) and ".visual." not in n]
    table = tensors[names[0]].detach() if len(names) == 1 else torch.empty(0)
    configs = [getattr(module, "config", None) for module in half.modules()]
    apart = any("roberta" in str(getattr(config, "model_type", "")) for config in configs)
    if table.ndim != 2 or len(table) < context or apart or _class_token(tensors):
        raise InputError(
            "The positions of this encoder's text half cannot be stretched. "
            "Read long texts in windows."
        )
    longer = torch.from_numpy(stretched(table[:context].cpu().numpy(), kept(mode, context)))
    swaps = {names[0]: longer.to(table)}
    for name, tensor in tensors.items():
        if name.endswith("attn_mask") and ".visual." not in name:
            full = torch.full((len(longer), len(longer)), float("-inf")).triu_(1)
            swaps[name] = full.to(tensor)
        elif name.endswith("position_ids"):
            swaps[name] = torch.arange(len(longer)).expand((1, -1)).to(tensor)
        elif name.endswith("token_type_ids"):
            swaps[name] = torch.zeros((1, len(longer)), dtype=tensor.dtype).to(tensor.device)
    return Stretched(half, swaps)


def _class_token(tensors: dict[str, torch.Tensor]) -> bool:
    """Whether a class token stands behind the text, at a position of its own."""
    return any(name.endswith("cls_emb") for name in tensors)
