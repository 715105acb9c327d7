"""The starter's towers as torch modules. Imports torch, so it is imported only to build one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from core.encoders import lazy
from core.encoders.modules import UnitRows
from core.encoders.starter_files import IMAGE_WEIGHTS, TEXT_WEIGHTS, config, layers

Tensors = dict[str, torch.Tensor]


class ImageFeatures(nn.Module):
    """What the image heads see: the trunk's last feature map, beside outputs of earlier blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk: Any = image_trunk()
        self.blocks = layers("image_blocks")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, f) features of n images: each map averaged over its positions."""
        return torch.cat([m.mean(dim=(2, 3)) for m in self.maps(batch)], dim=1)

    def places(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, patches, f) features, each map resampled to the last one; their mean is `forward`."""
        maps = self.maps(batch)
        size = maps[0].shape[2]
        resampled = [m if m.shape[2] == size else _resample(m, size) for m in maps]
        return torch.cat(resampled, dim=1).flatten(2).transpose(1, 2)

    def maps(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """The last map and those of the chosen blocks, (n, channels, rows, columns) each."""
        trunk, found = self.trunk, []
        x = trunk.bn1(trunk.conv_stem(batch))
        for at, block in enumerate(trunk.blocks):
            x = block(x)
            if at in self.blocks:
                found.append(x)
        return [trunk.bn2(trunk.conv_head(x)), *found]


class TextFeatures(nn.Module):
    """What the text head sees of each token: the outputs of a few of the tower's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer: Any = text_transformer()
        self.layers = layers("text_layers")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, f) features of n texts: the mean over their tokens, without padding."""
        mask = self.mask(batch)[..., None].float()
        return (self.pieces(batch) * mask).sum(dim=1) / mask.sum(dim=1)

    def pieces(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, length, f) features of every token, padding included."""
        mask = self.mask(batch)
        output = self.transformer(input_ids=batch, attention_mask=mask, output_hidden_states=True)
        return torch.cat([output.hidden_states[at] for at in self.layers], dim=-1)

    def mask(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, length) 1 for a token, 0 for padding."""
        return (batch != self.transformer.config.pad_token_id).long()


class ImageTower(nn.Module):
    """Two heads, for photographs and for drawings, mixed by how much an image is a drawing.

    The row is a sum of both heads' unit rows. Given their two weights it is linear in the features,
    so that the rows of the patches still average to the row of their image.
    """

    def __init__(self, heads: Tensors) -> None:
        super().__init__()
        self.features = ImageFeatures()
        self.photograph = _linear(heads, "image.photograph")
        self.drawing = _linear(heads, "image.drawing")
        self.gate = _linear(heads, "image.gate")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) rows, not normalized."""
        features = self.features(batch)
        photograph, drawing = self.weights(features)
        rows: torch.Tensor = photograph * self.photograph(features)
        return rows + drawing * self.drawing(features)

    def weights(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 1) weights of both heads' rows: share of the head over the length of its row."""
        share = self.gate(features).sigmoid()
        photograph, drawing = self.photograph(features), self.drawing(features)
        lengths = photograph.norm(dim=1, keepdim=True), drawing.norm(dim=1, keepdim=True)
        return (1 - share) / lengths[0], share / lengths[1]


class PatchRows(nn.Module):
    """The image tower without pooling."""

    def __init__(self, tower: ImageTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, patches, d) rows whose mean is the image's row, not normalized."""
        places = self.tower.features.places(batch)
        photograph, drawing = self.tower.weights(places.mean(dim=1))
        rows: torch.Tensor = photograph[:, None] * self.tower.photograph(places)
        return rows + drawing[:, None] * self.tower.drawing(places)


class TextTower(nn.Module):
    """The text head on the mean over the tokens."""

    def __init__(self, heads: Tensors) -> None:
        super().__init__()
        self.features = TextFeatures()
        self.head = _linear(heads, "text")

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, d) rows, not normalized."""
        rows: torch.Tensor = self.head(self.features(batch))
        return rows


class TokenRows(nn.Module):
    """The text tower without pooling: pooling and head are linear and commute."""

    def __init__(self, tower: TextTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, length, d) rows whose mean without padding is the text's row, not normalized."""
        rows: torch.Tensor = self.tower.head(self.tower.features.pieces(batch))
        return rows


def image(heads: Path) -> nn.Module:
    """Pixels to unit rows."""
    return UnitRows(ImageTower(load_file(heads)))


def text(heads: Path) -> nn.Module:
    """Token ids to unit rows."""
    return UnitRows(TextTower(load_file(heads)))


def patches(heads: Path) -> nn.Module:
    """Pixels to one row for each patch."""
    return PatchRows(ImageTower(load_file(heads)))


def tokens(heads: Path) -> nn.Module:
    """Token ids to one row for each."""
    return TokenRows(TextTower(load_file(heads)))


def image_trunk() -> nn.Module:
    """The trunk of OpenCLIP's image tower with the package's weights."""
    vision = config()["vision_cfg"]
    tower = lazy.open_clip().timm_model.TimmModel(
        vision["timm_model_name"],
        embed_dim=config()["embed_dim"],
        image_size=vision["image_size"],
        pool=vision["timm_pool"],
        proj=vision["timm_proj"],
        proj_bias=vision["timm_proj_bias"],
    )
    trunk: nn.Module = tower.trunk
    trunk.load_state_dict(trunk_weights(list(trunk.state_dict())))
    return trunk


def text_transformer() -> nn.Module:
    """The transformer of OpenCLIP's text tower with the package's weights."""
    settings = config()["text_cfg"]
    tower = lazy.open_clip().hf_model.HFTextEncoder(
        str(text_folder()),
        output_dim=config()["embed_dim"],
        pooler_type=settings["hf_pooler_type"],
        proj_type=settings["hf_proj_type"],
        pretrained=False,
    )
    transformer: nn.Module = tower.transformer
    stored = load_file(TEXT_WEIGHTS.path)
    transformer.load_state_dict({name: stored[name] for name in transformer.state_dict()})
    return transformer


def text_folder() -> Path:
    """The folder in place of `hf_model_name` of the configuration."""
    return TEXT_WEIGHTS.path.parent


def trunk_weights(names: list[str]) -> Tensors:
    """The package's image weights under timm's names.

    The package has other names for the same layers in the same order; the classifier's weight and
    bias come last.
    """
    stored: Tensors = torch.load(IMAGE_WEIGHTS.path, map_location="cpu", weights_only=True)
    return dict(zip(names, stored.values(), strict=False))


def classifier() -> tuple[torch.Tensor, torch.Tensor]:
    """(1000, features) weight and (1000,) bias of the ImageNet classifier, for training heads."""
    stored: Tensors = torch.load(IMAGE_WEIGHTS.path, map_location="cpu", weights_only=True)
    weight, bias = list(stored.values())[-2:]
    return weight, bias


def _linear(heads: Tensors, name: str) -> nn.Linear:
    """A trained linear map; stored in half precision, computed in single."""
    weight, bias = heads[f"{name}.weight"].float(), heads.get(f"{name}.bias")
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight = nn.Parameter(weight)
    if bias is not None:
        layer.bias = nn.Parameter(bias.float())
    return layer


def _resample(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Square maps to another size by area, so that the mean over all positions stays."""
    cells = _areas(maps.shape[2], size).to(maps)
    return cells @ maps @ cells.T


def _areas(old: int, new: int) -> torch.Tensor:
    """(new, old) share of each old interval in each new one; rows sum to 1, columns to new/old.

    >>> _areas(3, 2)
    tensor([[0.6667, 0.3333, 0.0000],
            [0.0000, 0.3333, 0.6667]])
    """
    edges = torch.arange(new + 1) * (old / new)
    starts = torch.arange(old)
    low = torch.maximum(edges[:-1, None], starts[None])
    high = torch.minimum(edges[1:, None], starts[None] + 1)
    return (high - low).clamp(min=0) * (new / old)
