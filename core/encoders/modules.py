"""Torch modules of the towers: whole halves, patch and text token rows, stretched positions.

Imports torch, so it is imported only where a tower is built.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core.encoders.long_texts import fixed_rows, stretched
from core.errors import InputError

TABLES = ("positional_embedding", "position_embeddings.weight")
"""Names of position tables, by their ends."""


class UnitRows(nn.Module):
    """A tower with rows normalized to length 1."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) unit rows."""
        return nn.functional.normalize(self.tower(batch), dim=-1)


class ImageHalf(nn.Module):
    """The image half of a whole OpenCLIP model."""

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


class PatchRows(nn.Module):
    """Patch tokens of one of OpenCLIP's own vision transformers, in the joint space.

    The output of the last block is mixed over the whole image. With `local`, the last block's
    attention is the sum of two softmaxes, of queries with queries and of keys with keys: a patch
    then attends to similar patches.

    Source: Wang, Mei, Yuille: SCLIP, ECCV 2024. Without `local`: the unchanged tower.
    """

    def __init__(self, visual: Any, *, local: bool = True) -> None:
        super().__init__()
        self.visual: Any = visual
        self.local = local and len(visual.transformer.resblocks) > 1

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, patches, d) rows, without the class token."""
        return self.whole_and_patches(batch)[:, 1:]

    def whole_and_patches(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, 1 + patches, d) rows."""
        output = self.visual.forward_intermediates(
            batch,
            indices=2 if self.local else 1,
            normalize_intermediates=not self.local,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        first, rest = output["image_intermediates_prefix"][0], output["image_intermediates"][0]
        rows = torch.cat([first, rest], dim=1)
        if self.local:
            rows = self.visual.ln_post(_last_block(self.visual.transformer.resblocks[-1], rows))
        projected: torch.Tensor = rows @ self.visual.proj
        return projected


def has_patches(visual: Any) -> bool:
    """Whether `PatchRows` fits a tower: patches and class token share its last steps."""
    return (
        type(visual).__name__ == "VisionTransformer"
        and visual.pool_type == "tok"
        and visual.attn_pool is None
        and visual.proj is not None
        and not visual.final_ln_after_pool
        and type(visual.transformer.resblocks[-1]).__name__ == "ResidualAttentionBlock"
    )


def _last_block(block: Any, rows: torch.Tensor) -> torch.Tensor:
    """The last block with attention among similar patches; the rest as trained."""
    n, t, width = rows.shape
    heads = block.attn.num_heads
    mixed = nn.functional.linear(
        block.ln_1(rows), block.attn.in_proj_weight, block.attn.in_proj_bias
    )
    q, k, v = mixed.reshape(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    scale = (width // heads) ** -0.5
    weights = sum((x @ x.transpose(-2, -1) * scale).softmax(dim=-1) for x in (q, k))
    attended = (weights @ v).transpose(1, 2).reshape(n, t, width)
    rows = rows + block.ls_1(block.attn.out_proj(attended))
    result: torch.Tensor = rows + block.ls_2(block.mlp(block.ln_2(rows)))
    return result


class Stretched(nn.Module):
    """The same half with some tensors replaced; its weights are shared."""

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
        half: token ids to unit rows.
        context: positions it was trained on.
        mode: "stretch" or "interpolate".

    Raises:
        InputError: its kind of positions cannot be stretched.
    """
    tensors = {**dict(half.named_parameters()), **dict(half.named_buffers())}
    names = [n for n in tensors if n.endswith(TABLES) and ".visual." not in n]
    table = tensors[names[0]].detach() if len(names) == 1 else torch.empty(0)
    configs = [getattr(module, "config", None) for module in half.modules()]
    apart = any("roberta" in str(getattr(config, "model_type", "")) for config in configs)
    if table.ndim != 2 or len(table) < context or apart or _class_token(tensors):
        raise InputError(
            "The positions of this encoder's text half cannot be stretched. "
            "Encode long texts in windows."
        )
    longer = torch.from_numpy(stretched(table[:context].cpu().numpy(), fixed_rows(mode, context)))
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
    """Whether a class token follows the text, at a position of its own."""
    return any(name.endswith("cls_emb") for name in tensors)
