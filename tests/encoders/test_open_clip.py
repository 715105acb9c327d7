"""Encoders: the contract of all of them, and the errors of loading one."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from PIL import Image

from core.encoders import checkpoints, hub
from core.encoders.encoder import load
from core.errors import BadParameter, InputError, MissingPart, UnknownName
from tests.fixtures.encoders import model_folder, patterns

TEXTS = ["a dog", "", "two red boats on a lake", "x" * 10_000, "<b>caf\u00e9</b> &amp; bar"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module", params=["toy", "tiny torch", "tiny openvino"])
def encoder(request, folder):
    if request.param == "toy":
        return load("toy")
    backend = request.param.split()[1]
    if backend == "openvino":
        pytest.importorskip("openvino", reason="OpenVINO has no wheel for this machine")
    return load(f"local-dir:{folder}", backend)


def test_rows_are_unit_rows_of_the_declared_shape(encoder, rng):
    for rows in (encoder.encode_images(patterns(rng)), encoder.encode_texts(TEXTS)):
        assert rows.shape == (5, encoder.d)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_row_does_not_depend_on_its_batch(encoder, rng):
    images = patterns(rng, 40)
    together = encoder.encode_images(images)
    np.testing.assert_allclose(encoder.encode_images(images[33:34]), together[33:34], atol=1e-5)
    together = encoder.encode_texts(TEXTS)
    for i, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.encode_texts([text])[0], together[i], atol=1e-5)


def test_the_same_input_gives_the_same_row(encoder, rng):
    """To the last bits: MKL sums in an order that depends on where in memory the input lies."""
    for encode, input_ in (
        (encoder.encode_images, patterns(rng, 1)), (encoder.encode_texts, TEXTS),
    ):  # fmt: skip
        np.testing.assert_allclose(encode(input_), encode(input_), atol=1e-6)


def test_encoding_is_preparing_then_running(encoder, rng):
    images = patterns(rng)
    pixels = np.stack([encoder.prepare(p) for p in images])
    np.testing.assert_array_equal(encoder.encode_prepared(pixels), encoder.encode_images(images))


def test_nothing_in_nothing_out(encoder):
    assert encoder.encode_images([]).shape == (0, encoder.d)
    assert encoder.encode_texts([]).shape == (0, encoder.d)


def test_grey_and_transparent_pictures_are_taken(encoder):
    rows = encoder.encode_images([Image.new(mode, (30, 20)) for mode in ("L", "RGBA", "P")])
    np.testing.assert_allclose(rows, rows[:1].repeat(3, axis=0), atol=1e-5)


def test_threads_get_what_one_thread_gets(encoder, rng):
    images, found = patterns(rng, 8), {}
    expected = encoder.encode_images(images), encoder.encode_texts(TEXTS)

    def work(i):
        found[i] = encoder.encode_images(images), encoder.encode_texts(TEXTS)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        np.testing.assert_allclose(found[i][0], expected[0], atol=1e-6)
        np.testing.assert_allclose(found[i][1], expected[1], atol=1e-6)


def test_the_toy_finds_red_by_the_word():
    toy = load("toy")
    names = ["red", "green", "blue", "black", "white"]
    images = toy.encode_images([Image.new("RGB", (9, 9), name) for name in names])
    texts = toy.encode_texts([f"a {name} thing" for name in names])
    assert ((texts @ images.T).argmax(axis=1) == np.arange(5)).all()


def test_an_encoder_is_loaded_once(folder):
    name = f"local-dir:{folder}"
    assert load(name, "torch") is load(name, "torch")
    assert load("toy") is load(" toy ")


def test_a_folder_may_be_named_by_its_path(folder):
    by_path = load(str(folder), "torch")
    assert by_path.passport.weights == load(f"local-dir:{folder}", "torch").passport.weights
    assert by_path.d == 16


def test_weights_decide_the_passport(folder, tmp_path):
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "open_clip_model.safetensors")
    weights["text_projection"] = weights["text_projection"] * np.float32(1.001)
    config = (folder / "open_clip_config.json").read_text("utf-8")
    (tmp_path / "open_clip_config.json").write_text(config, "utf-8")
    save_file(weights, tmp_path / "open_clip_model.safetensors")
    changed, first = (checkpoints.model(f"local-dir:{f}") for f in (tmp_path, folder))
    assert changed.weights != first.weights


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("startr", "No encoder is called 'startr'. Did you mean 'starter'?"),
        ("ViT-B-32/laion2b_s34b_b79", "Did you mean 'ViT-B-32/laion2b_s34b_b79k'?"),
        ("ViT-B-32", "No encoder is called 'ViT-B-32'"),
        ("\u0000", "No encoder is called"),
        ("", "No encoder is called ''. Known: MobileCLIP2-S0/dfndr2b, ViT-B-16-SigLIP2/webli"),
    ],
)
def test_an_unknown_name_is_an_error(name, sentence):
    with pytest.raises(UnknownName) as caught:
        load(name)
    assert sentence in str(caught.value)


def test_an_unknown_backend_is_an_error():
    with pytest.raises(BadParameter, match="backend is onnx; allowed: auto, torch, openvino"):
        load("toy", "onnx")


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no OpenCLIP model"):
        load(f"local-dir:{tmp_path}")


def test_a_folder_without_weights_is_an_error(folder, tmp_path):
    config = (folder / "open_clip_config.json").read_text("utf-8")
    (tmp_path / "open_clip_config.json").write_text(config, "utf-8")
    with pytest.raises(InputError, match="does not load: Required pretrained weights"):
        load(str(tmp_path))


def test_weights_that_would_run_code_are_not_loaded(folder, tmp_path):
    import torch

    config = (folder / "open_clip_config.json").read_text("utf-8")
    (tmp_path / "open_clip_config.json").write_text(config, "utf-8")
    torch.save({"state_dict": threading.Thread}, tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(InputError, match="does not load: Weights only load failed"):
        load(str(tmp_path))


def test_half_a_weight_file_is_an_error(folder, tmp_path):
    config = (folder / "open_clip_config.json").read_text("utf-8")
    (tmp_path / "open_clip_config.json").write_text(config, "utf-8")
    weights = (folder / "open_clip_model.safetensors").read_bytes()
    (tmp_path / "open_clip_model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(InputError, match="does not load"):
        load(str(tmp_path))


@pytest.mark.parametrize("name", ["ViT-B-32/openai", "hf-hub:nobody/nothing"])
def test_weights_that_are_not_here_are_an_error(name, monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "reachable", lambda seconds=2.0: False)
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingPart, match="not on this machine and could not be fetched"):
        load(name)


def test_no_hub_when_offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not hub.reachable()


def test_every_suggestion_can_be_loaded_by_its_name():
    from core.encoders import lazy

    listed = {"/".join(pair) for pair in lazy.open_clip().list_pretrained()}
    names = [s.name for s in hub.SUGGESTIONS]
    assert names[0] == "starter"
    assert set(names[1:]) <= listed


def test_the_door_is_light():
    code = (
        "import sys, core.encoders; "
        "sys.exit(', '.join({'torch', 'open_clip', 'openvino', 'PIL'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
