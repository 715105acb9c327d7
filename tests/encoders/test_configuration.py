"""Every architecture gives OpenCLIP's own rows, and every field of the configuration counts."""

import shutil
from copy import deepcopy

import numpy as np
import pytest

from core.encoders import backend_cache, checkpoints, lazy
from core.encoders.open_clip import OpenClip
from tests.fixtures.encoders import PREPROCESSING, TINY, model_folder, patterns, write_config

TEXTS = ["a dog", "", "Two RED boats, on a lake!", "a man in a hat"]


def changed(config, **fields):
    """A copy with other values; `text_cfg__heads=4` sets a field of a field."""
    copy = deepcopy(config)
    for name, value in fields.items():
        *path, last = name.split("__")
        at = copy
        for part in path:
            at = at[part]
        at[last] = value
    return copy


def with_timm(name, size, pool, projection):
    vision = {
        "image_size": size,
        "timm_model_name": name,
        "timm_model_pretrained": False,
        "timm_pool": pool,
        "timm_proj": projection,
    }
    return changed(TINY, vision_cfg=vision, custom_text=True)


ARCHITECTURES = {
    "ViT": TINY,
    "ViT-quickgelu": changed(TINY, quick_gelu=True),
    "ResNet": changed(
        TINY,
        vision_cfg={
            "image_size": 64,
            "layers": [1, 1, 1, 1],
            "width": 16,
            "head_width": 64,
            "patch_size": None,
        },
    ),
    "CoCa": changed(
        TINY,
        custom_text=True,
        vision_cfg__attentional_pool=True,
        vision_cfg__attn_pooler_heads=2,
        vision_cfg__output_tokens=True,
        text_cfg__embed_cls=True,
        text_cfg__output_tokens=True,
        multimodal_cfg={
            "context_length": 12,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 1,
            "attn_pooler_heads": 2,
        },
    ),
    "ConvNeXt": with_timm("test_convnext", 64, "", "linear"),
    "EVA": with_timm("eva02_tiny_patch14_224", 224, "token", None),
    "MobileCLIP2": changed(
        with_timm("fastvit_mci0", 64, "avg", None), text_cfg__no_causal_mask=True
    ),
}


SLOW = ("ViT-quickgelu", "ResNet", "CoCa", "ConvNeXt", "EVA", "MobileCLIP2")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name in ARCHITECTURES
    ],
)
def folder(request, tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("model") / "model", ARCHITECTURES[request.param])


def test_every_architecture_gives_the_rows_of_openclip(folder, rng, monkeypatch):
    """Torch, OpenVINO as converted, and OpenVINO as read from the cache."""
    import torch

    package = lazy.open_clip()
    pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    images, name = patterns(rng), f"local-dir:{folder}"
    whole, transform = package.create_model_from_pretrained(name)
    tokens = package.get_tokenizer(name)(TEXTS)
    with torch.inference_mode():
        pixels = torch.stack([transform(image) for image in images])
        expected = [
            whole.eval().encode_image(pixels, normalize=True).numpy(),
            whole.encode_text(tokens, normalize=True).numpy(),
        ]
    model, keys = checkpoints.model(name), set()
    for backend in ("torch", "openvino", "openvino"):
        encoder = OpenClip(model, backend)
        found = encoder.encode_images(images), encoder.encode_texts(TEXTS)
        assert encoder.passport.backend == backend, encoder.notes
        keys.add(encoder.passport.key)
        for ours, theirs in zip(found, expected, strict=True):
            assert np.einsum("ij,ij->i", ours, theirs).min() >= 0.99999
        if backend == "openvino":
            monkeypatch.setattr(torch.jit, "trace", lambda *_, **__: pytest.fail("converted again"))
    assert len(keys) == 1


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("vit") / "model")


def sibling(vit, place, config=TINY, preprocessing=PREPROCESSING):
    """The same weights with another configuration."""
    shutil.copytree(vit, place)
    write_config(place, config, preprocessing)
    return checkpoints.model(str(place))


FIELDS = {
    "activation": (changed(TINY, quick_gelu=True), {}),
    "heads of texts": (changed(TINY, text_cfg__heads=4), {}),
    "heads of images": (changed(TINY, vision_cfg__head_width=8), {}),
    "pooling": (changed(TINY, vision_cfg__pool_type="avg"), {}),
    "attention": (changed(TINY, text_cfg__no_causal_mask=True), {}),
    "tokenizer": (changed(TINY, text_cfg__tokenizer_kwargs={"clean": "whitespace"}), {}),
    "resizing": (TINY, {"resize_mode": "squash"}),
    "colors": (TINY, {"mean": [0.4] * 3}),
}


@pytest.mark.parametrize("field", FIELDS)
def test_one_field_makes_another_encoder(field, vit, tmp_path):
    config, preprocessing = FIELDS[field]
    first = checkpoints.model(str(vit))
    other = sibling(vit, tmp_path / "model", config, {**PREPROCESSING, **preprocessing})
    assert other.weights == first.weights
    assert OpenClip(other).passport.identity != OpenClip(first).passport.identity
    assert not {other.image.key, other.text.key} & {first.image.key, first.text.key}


@pytest.mark.parametrize(
    "config",
    [
        changed(TINY, quick_gelu=False, text_cfg__pool_type="argmax", vision_cfg__mlp_ratio=4.0),
        changed(TINY, vision_cfg__patch_dropout=0.5, init_logit_bias=None),
    ],
    ids=["defaults spelled out", "fields of training"],
)
def test_what_changes_no_vector_makes_no_other_encoder(config, vit, tmp_path):
    first, other = checkpoints.model(str(vit)), sibling(vit, tmp_path / "model", config)
    assert OpenClip(other).passport.identity == OpenClip(first).passport.identity


def test_a_cached_graph_is_not_reused_by_another_configuration(vit, tmp_path, rng):
    pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    images, rows = patterns(rng), {}
    first = checkpoints.model(str(vit))
    other = sibling(vit, tmp_path / "model", changed(TINY, quick_gelu=True))
    for name, model in (("first", first), ("other", other)):
        for backend in ("openvino", "torch"):
            rows[name, backend] = OpenClip(model, backend).encode_images(images)
        assert (backend_cache.folder(model.image.key) / "model.xml").exists()
        np.testing.assert_allclose(rows[name, "openvino"], rows[name, "torch"], atol=1e-5)
    assert np.abs(rows["first", "openvino"] - rows["other", "openvino"]).max() > 1e-4
