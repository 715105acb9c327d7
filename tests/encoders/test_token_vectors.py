"""Patch and text tokens: their vectors, weights and words."""

import json

import numpy as np
import pytest
from PIL import Image

from core.encoders import lazy, starter, starter_files
from core.encoders.encoder import load
from core.errors import InputError, NoTokens
from core.types.tokens import Tokens, additive_tokens
from tests.fixtures.encoders import TINY, patterns

TEXTS = ["A man's dog runs", "", "two red boats on a lake", "?"]
HEADS = 2
TWO_LAYERS = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "layers": 2}}


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    return tmp_path_factory.mktemp("tokens")


@pytest.fixture(autouse=True)
def home(shared_home, monkeypatch):
    monkeypatch.setenv("SEXTANT_HOME", str(shared_home))


@pytest.fixture(scope="module")
def vit():
    package = lazy.open_clip()
    import torch

    torch.manual_seed(0)
    return package.CLIP(**TWO_LAYERS).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def folder(vit, tmp_path_factory):
    from safetensors.torch import save_file

    place = tmp_path_factory.mktemp("vit")
    config = {"model_cfg": TWO_LAYERS, "preprocess_cfg": {"resize_mode": "squash"}}
    (place / "open_clip_config.json").write_text(json.dumps(config), "utf-8")
    weights = {k: v.contiguous() for k, v in vit.state_dict().items()}
    save_file(weights, place / "open_clip_model.safetensors")
    return place


@pytest.mark.parametrize("kind", ["image", "text"])
def test_the_starters_tokens_sum_to_the_vector_of_the_item(kind, rng):
    encoder = load("starter", "torch")
    if kind == "image":
        given = [p.resize((90, 70)) for p in patterns(rng, 2)]
        whole, parts = encoder.encode_images(given), encoder.image_tokens(given)
        assert all(t.grid == (9, 9) for t in parts)
    else:
        given = TEXTS
        whole, parts = encoder.encode_texts(given), encoder.text_tokens(given)
        assert parts[0].words == ("A", "man's", "dog", "runs", "")
        assert parts[1].words == ("",)
    query = encoder.encode_texts(["a dog on a beach"])[0]
    for row, tokens in zip(whole, parts, strict=True):
        np.testing.assert_allclose(np.linalg.norm(tokens.vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(tokens.weights @ tokens.vectors, row, atol=1e-5)
        assert tokens.shares(query).sum() == pytest.approx(row @ query, abs=1e-5)


@pytest.mark.slow
def test_openvino_gives_the_tokens_of_torch(folder, rng):
    pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    ours, theirs = (load(f"local-dir:{folder}", b) for b in ("openvino", "torch"))
    given = patterns(rng, 3)
    for a, b in zip(ours.image_tokens(given), theirs.image_tokens(given), strict=True):
        assert np.einsum("ij,ij->i", a.vectors, b.vectors).min() > 0.9999


def test_a_projected_class_token_is_the_image(vit, rng):
    """Without the change to the last block; and the projected last token is the text."""
    import torch

    from core.encoders.modules import PatchRows, has_patches

    assert has_patches(vit.visual)
    pixels = torch.from_numpy(rng.normal(size=(3, 3, 32, 32)).astype(np.float32))
    with torch.inference_mode():
        rows = PatchRows(vit.visual, local=False).whole_and_patches(pixels)
        np.testing.assert_allclose(rows[:, 0], vit.encode_image(pixels), atol=1e-5)
        assert rows.shape == (3, 1 + 4, 16)
        ids = torch.zeros(1, 12, dtype=torch.long)
        ids[0, :3] = torch.tensor([49406, 320, 49407])
        found = vit.forward_intermediates(
            text=ids, text_indices=1, normalize_intermediates=True, text_output_fmt="NLC"
        )
        last = found["text_intermediates"][-1][0, 2] @ vit.text_projection
        np.testing.assert_allclose(last, vit.encode_text(ids)[0], atol=1e-5)


def test_the_last_block_differs_in_its_attention_only(vit, rng, monkeypatch):
    """With keys that equal the queries, ordinary attention is half of the two softmaxes."""
    import copy

    import torch

    from core.encoders.modules import PatchRows

    pixels = torch.from_numpy(rng.normal(size=(2, 3, 32, 32)).astype(np.float32))
    twin = copy.deepcopy(vit.visual)
    attention = twin.transformer.resblocks[-1].attn
    attention.in_proj_weight[32:64] = attention.in_proj_weight[:32]
    attention.in_proj_bias[32:64] = attention.in_proj_bias[:32]
    with torch.inference_mode():
        ours = PatchRows(twin).whole_and_patches(pixels)
        attention.in_proj_weight[64:] *= 2
        attention.in_proj_bias[64:] *= 2
        theirs = PatchRows(twin, local=False).whole_and_patches(pixels)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_patch_tokens_of_a_vit_follow_from_its_weights(vit, folder, rng):
    """By hand: patches row by row, a plain block, one with attention among similar patches."""
    encoder = load(f"local-dir:{folder}", "torch")
    image = patterns(rng, 1)[0]
    weights = {name: w.numpy() for name, w in vit.visual.state_dict().items()}
    pixels, conv = encoder.prepare(image), weights["conv1.weight"]
    patches = [
        np.tensordot(conv, pixels[:, y : y + 16, x : x + 16], 3) for y in (0, 16) for x in (0, 16)
    ]
    rows = np.stack([weights["class_embedding"], *patches]) + weights["positional_embedding"]
    rows = block(norm(rows, weights, "ln_pre"), weights, 0, lambda q, k: softmax(q @ k.T))
    rows = block(rows, weights, 1, lambda q, k: softmax(q @ q.T) + softmax(k @ k.T))
    expected = (norm(rows, weights, "ln_post") @ weights["proj"])[1:]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = encoder.image_tokens([image])[0]
    assert found.grid == (2, 2)
    np.testing.assert_allclose(found.vectors, expected, atol=1e-4)
    assert np.abs(expected[1] - expected[2]).max() > 1e-2  # the order of rows and columns shows


def norm(rows, weights, name):
    away = rows - rows.mean(axis=1, keepdims=True)
    away /= np.sqrt(rows.var(axis=1, keepdims=True) + 1e-5)
    return away * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(x):
    raised = np.exp(x - x.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def block(rows, weights, at, attend):
    """One transformer block; `attend` makes (t, t) weights of a head's scaled queries and keys."""
    from scipy.special import erf

    own = {k.removeprefix(f"transformer.resblocks.{at}."): w for k, w in weights.items()}
    mixed = norm(rows, own, "ln_1") @ own["attn.in_proj_weight"].T + own["attn.in_proj_bias"]
    q, k, v = (np.split(x, HEADS, 1) for x in np.split(mixed, 3, 1))
    root = (rows.shape[1] / HEADS) ** -0.25  # both queries and keys by the root of the scale
    attended = [attend(q[h] * root, k[h] * root) @ v[h] for h in range(HEADS)]
    rows = rows + np.concatenate(attended, 1) @ own["attn.out_proj.weight"].T
    rows = rows + own["attn.out_proj.bias"]
    inner = norm(rows, own, "ln_2") @ own["mlp.c_fc.weight"].T + own["mlp.c_fc.bias"]
    inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
    return rows + inner @ own["mlp.c_proj.weight"].T + own["mlp.c_proj.bias"]


def test_a_vit_has_patch_tokens_and_one_prompt_for_each_word(folder, rng):
    encoder = load(f"local-dir:{folder}", "torch")
    tokens = encoder.image_tokens(patterns(rng, 2))
    assert [t.grid for t in tokens] == [(2, 2)] * 2
    assert not tokens[0].additive
    tokens_of = encoder.text_tokens(TEXTS)
    assert tokens_of[0].words == ("man's", "dog", "runs")
    assert tokens_of[3].words == ("",)
    expected = encoder.encode_texts(["a photo of a dog"])[0]
    np.testing.assert_allclose(tokens_of[0].vectors[1], expected, atol=1e-5)


def test_a_tower_without_patches_is_an_error(tmp_path):
    from safetensors.torch import save_file

    vision = {**TINY["vision_cfg"], "pool_type": "avg"}
    config = {**TINY, "vision_cfg": vision}
    weights = lazy.open_clip().CLIP(**config).state_dict()
    (tmp_path / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": config, "preprocess_cfg": {}}), "utf-8"
    )
    save_file(
        {k: v.contiguous() for k, v in weights.items()}, tmp_path / "open_clip_model.safetensors"
    )
    encoder = load(f"local-dir:{tmp_path}", "torch")
    for ask in (encoder.image_tokens, encoder.text_tokens):
        with pytest.raises(NoTokens, match="has no patch or text tokens"):
            ask([])


def test_the_toys_patch_tokens_are_their_colors():
    toy = load("toy")
    image = Image.new("RGB", (16, 16), "red")
    image.paste("blue", (8, 0, 16, 16))
    tokens = toy.image_tokens([image])[0]
    red, blue = toy.encode_texts(["red", "blue"])
    left = (tokens.vectors @ red > tokens.vectors @ blue).reshape(tokens.grid)
    assert (left == [[True, True, False, False]] * 4).all()
    assert toy.text_tokens(["the red and blue one"])[0].words == ("red", "blue", "one")


def test_lengths_that_do_not_match_are_errors():
    x = np.eye(4, dtype=np.float32)
    with pytest.raises(InputError, match="4 tokens do not match"):
        Tokens(x, (3, 3))
    with pytest.raises(InputError, match="weights do not match"):
        Tokens(x, (2, 2), (), np.ones(3, np.float32))
    with pytest.raises(InputError, match="not sums of token vectors"):
        Tokens(x, (2, 2)).shares(x[0])
    assert additive_tokens(x, words=("a", "dog", ".", "")).content_words().words == ("dog",)


def test_the_starters_words_are_whole():
    """Every piece counts for one whole word or for none, and a word is the mean of its pieces."""
    import torch

    from core.encoders import starter_modules

    text = "A doghouse's tri-colored door!"
    words, of = starter.words([text])[0]
    assert words == ("A", "doghouse's", "tri-colored", "door")
    ids = starter.tokenize([text])
    assert ids.shape == (1, len(of))
    assert of.count(1) > 1
    assert [of[0], *of[-2:]] == [-1, -1, -1]
    with torch.inference_mode():
        rows = starter_modules.tokens(starter_files.HEADS).eval()(torch.from_numpy(ids))[0].numpy()
    tokens = load("starter", "torch").text_tokens([text])[0]
    for at in range(4):
        mean = rows[[piece == at for piece in of]].mean(axis=0)
        np.testing.assert_allclose(tokens.vectors[at], mean / np.linalg.norm(mean), atol=1e-5)
    assert tokens.content_words().words == ("doghouse's", "tri-colored", "door")


def test_words_end_where_the_starter_stops_reading():
    words, of = starter.words(["snowboarder " * 200])[0]
    assert len(of) == starter_files.context_length()
    assert 1 + max(of) == len(words) < 200
