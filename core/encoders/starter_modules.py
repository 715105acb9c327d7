"""The starter's towers as torch modules. Imports torch, so it is imported only to build one."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from core.encoders import lazy
from core.encoders.modules import StarterPatchRows, StarterTokenRows, UnitRows
from core.encoders.starter_files import HEADS, IMAGE_WEIGHTS, TEXT_WEIGHTS, config

Tensors = dict[str, torch.Tensor]


def image() -> nn.Module:
    """Pixels to unit rows."""
    return UnitRows(_with_head(image_tower(), "visual."))


def text() -> nn.Module:
    """Token ids to unit rows."""
    return UnitRows(_with_head(text_tower(), "text."))


def patches() -> nn.Module:
    """Pixels to one row for each patch."""
    return StarterPatchRows(_with_head(image_tower(), "visual."))


def tokens() -> nn.Module:
    """Token ids to one row for each."""
    return StarterTokenRows(_with_head(text_tower(), "text."))


def image_tower() -> nn.Module:
    """OpenCLIP's image tower with the package's weights; its head is still random."""
    vision = config()["vision_cfg"]
    tower = lazy.open_clip().timm_model.TimmModel(
        vision["timm_model_name"],
        embed_dim=config()["embed_dim"],
        image_size=vision["image_size"],
        pool=vision["timm_pool"],
        proj=vision["timm_proj"],
        proj_bias=vision["timm_proj_bias"],
    )
    tower.trunk.load_state_dict(trunk_weights(list(tower.trunk.state_dict())))
    return tower


def text_tower() -> nn.Module:
    """OpenCLIP's text tower with the package's weights; its head is still random."""
    settings = config()["text_cfg"]
    tower = lazy.open_clip().hf_model.HFTextEncoder(
        str(text_folder()),
        output_dim=config()["embed_dim"],
        pooler_type=settings["hf_pooler_type"],
        proj_type=settings["hf_proj_type"],
        pretrained=False,
    )
    stored = load_file(TEXT_WEIGHTS.path)
    wanted = tower.transformer.state_dict()
    tower.transformer.load_state_dict({name: stored[name] for name in wanted})
    return tower


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


def _with_head(tower: nn.Module, prefix: str) -> nn.Module:
    """Load the trained head into a tower; all of its tensors must fit."""
    heads = load_file(HEADS)
    own = {name.removeprefix(prefix): t for name, t in heads.items() if name.startswith(prefix)}
    unexpected = tower.load_state_dict(own, strict=False).unexpected_keys
    if unexpected or not own:
        raise ValueError(f"{HEADS.name} does not fit the tower: {unexpected}")
    return tower
