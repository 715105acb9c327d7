"""What decides an encoder's vectors beside its weights, as one line of JSON.

    embed_dim, quick_gelu, vision_cfg.layers, text_cfg.context_length ...   the model
    preprocess_cfg.size, preprocess_cfg.resize_mode ...                     its images
    tokenizer                                                               its texts

Fields that equal OpenCLIP's defaults are left out, so that a default that is spelled out, or a
field that a later version adds, makes no other encoder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.types import digest

WITHOUT_EFFECT = {
    *("timm_model_pretrained", "hf_model_pretrained", "hf_tokenizer_name"),
    *("timm_drop", "timm_drop_path", "patch_dropout"),
    *("init_logit_scale", "init_logit_bias"),
}
"""Fields for training and downloads. The tokenizer is compared by what it does, not by name."""
PROBES = (
    "A dog's 2 red balls, on the BEACH!",
    "caf\u00e9 \u00fcber 犬が走る \U0001f436 <b>bold</b> &amp; x_y\n\tend",
    "antidisestablishmentarianism " * 100,
)
CONTEXT = 77  # in which the probes are tokenized; the model's own is a field


def configuration(
    package: Any, model: Mapping[str, Any], preprocessing: Mapping[str, Any], tokenizer: Any
) -> str:
    """The configuration of an OpenCLIP model.

    Args:
        package: OpenCLIP.
        model: the model's configuration, as OpenCLIP reads it.
        preprocessing: of images.
        tokenizer: of texts.
    """
    defaults = {
        "quick_gelu": False,
        "custom_text": False,
        "vision_cfg": asdict(package.CLIPVisionCfg()),
        "text_cfg": asdict(package.CLIPTextCfg()),
        "preprocess_cfg": asdict(package.transform.PreprocessCfg()),
    }
    given = {**model, "preprocess_cfg": preprocessing}
    return as_text(flat(given, defaults) | {"tokenizer": tokenizer_digest(tokenizer)})


def as_text(fields: Mapping[str, Any]) -> str:
    """Fields as one line of JSON, the same for equal fields in any order."""
    return json.dumps(fields, sort_keys=True, ensure_ascii=False)


def flat(given: Mapping[str, Any], defaults: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Fields with their full names, without those that have no effect or equal the default.

    >>> flat({"quick_gelu": False, "text_cfg": {"width": 8, "heads": 2}}, {"quick_gelu": False})
    {'text_cfg.width': 8, 'text_cfg.heads': 2}
    """
    result: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            result |= flat(value, defaults.get(name) or {}, f"{above}{name}.")
        elif name not in WITHOUT_EFFECT:
            plain = json.loads(json.dumps(value))  # a tuple and a list are the same
            if name not in defaults or plain != json.loads(json.dumps(defaults[name])):
                result[above + name] = plain
    return result


def tokenizer_digest(tokenizer: Any) -> str:
    """What a tokenizer does: its vocabulary, and the token ids of a few difficult texts."""
    foreign = getattr(tokenizer, "tokenizer", None)
    words = tokenizer.encoder if foreign is None else foreign.get_vocab()
    ids = tokenizer(list(PROBES), context_length=CONTEXT).numpy().astype("int64")
    return digest(json.dumps(sorted(words.items())), ids.tobytes())[:12]
