"""OpenCLIP's modules as towers. Imports torch, so it is itself imported only where one is built."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from core.encoders.long_texts import kept, stretched
from core.errors import InputError


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


class PlaceRows(nn.Module):
    """The starter's picture tower before its pooling: pooling and head are linear, so they swap."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower: Any = tower

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, places, d) rows whose mean is the picture's row before it gets length 1."""
        features = self.tower.trunk.forward_features(batch)
        rows: torch.Tensor = self.tower.head(features.flatten(2).transpose(1, 2))
        return rows


class PieceRows(nn.Module):
    """The starter's text tower before its pooling, in the same way; padding included."""

    def __init__(self, tower: Any) -> None:
        super().__init__()
        self.tower: Any = tower

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, length, d) rows; the mean over what is not padding is the text's row."""
        mask = (batch != self.tower.config.pad_token_id).long()
        found = self.tower.transformer(input_ids=batch, attention_mask=mask)
        rows: torch.Tensor = self.tower.proj(found.last_hidden_state)
        return rows


class PatchRows(nn.Module):
    """The patches of one of OpenCLIP's own vision transformers, in the space of pictures and texts.

    What comes out of the last block has been mixed over the whole picture. With `local`, the last
    block's attention is the sum of two softmaxes, of queries with queries and of keys with keys:
    a patch then listens to patches like itself.

    Source: Wang, Mei, Yuille: SCLIP, ECCV 2024. Without `local`: the tower as it is.
    """

    def __init__(self, visual: Any, *, local: bool = True) -> None:
        super().__init__()
        self.visual: Any = visual
        self.local = local and len(visual.transformer.resblocks) > 1

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, patches, d) rows; the first row, which is the picture, is left out."""
        return self.whole_and_patches(batch)[:, 1:]

    def whole_and_patches(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, 1 + patches, d) rows."""
        found = self.visual.forward_intermediates(
            batch,
            indices=2 if self.local else 1,
            normalize_intermediates=not self.local,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        first, rest = found["image_intermediates_prefix"][0], found["image_intermediates"][0]
        rows = torch.cat([first, rest], dim=1)
        if self.local:
            rows = self.visual.ln_post(_last_block(self.visual.transformer.resblocks[-1], rows))
        projected: torch.Tensor = rows @ self.visual.proj
        return projected


def has_patches(visual: Any) -> bool:
    """Whether `PatchRows` can read a tower: patches and class token share its last steps."""
    return (
        type(visual).__name__ == "VisionTransformer"
        and visual.pool_type == "tok"
        and visual.attn_pool is None
        and visual.proj is not None
        and not visual.final_ln_after_pool
        and type(visual.transformer.resblocks[-1]).__name__ == "ResidualAttentionBlock"
    )


def _last_block(block: Any, rows: torch.Tensor) -> torch.Tensor:
    """The last block with attention among like patches; everything else as it was trained."""
    n, t, width = rows.shape
    heads = block.attn.num_heads
    mixed = nn.functional.linear(
        block.ln_1(rows), block.attn.in_proj_weight, block.attn.in_proj_bias
    )
    q, k, v = mixed.reshape(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    scale = (width // heads) ** -0.5
    weights = sum((x @ x.transpose(-2, -1) * scale).softmax(dim=-1) for x in (q, k))
    heard = (weights @ v).transpose(1, 2).reshape(n, t, width)
    rows = rows + block.ls_1(block.attn.out_proj(heard))
    found: torch.Tensor = rows + block.ls_2(block.mlp(block.ln_2(rows)))
    return found


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
