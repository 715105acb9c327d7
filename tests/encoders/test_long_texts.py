"""Texts beyond a model's context length: queries are encoded as the stored texts were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.encoders import checkpoints
from core.encoders.encoder import load, long_text_note, with_long_text
from core.encoders.long_texts import mean_rows, stretched, windows
from core.errors import BadParameter, InputError
from core.types.item import Passport
from core.types.query import Part, Query
from core.workbench import Workbench
from tests.fixtures.encoders import model_folder
from tests.fixtures.files import encoded, folder_of, jsonl, ramp

MODES = ("windows", "stretch", "interpolate", "")
LONG = " ".join(f"A dog number {i} runs after ball number {i}." for i in range(12))


def words(most):
    return lambda text: len(text.split()) <= most


@given(st.text(), st.integers(1, 6))
def test_windows_fit_and_hold_every_word(text, most):
    found = windows(text, words(most))
    if not words(most)(text):
        assert all(words(most)(window) for window in found)
        assert " ".join(found).split() == text.split()
    else:
        assert found == (text,)


def test_a_word_that_does_not_fit_is_cut():
    assert windows("aaaaaaa", lambda t: len(t) <= 2) == ("a", "aa", "aa", "aa")
    assert "".join(windows("x" * 10_000, lambda t: len(t) <= 300)).replace(" ", "") == "x" * 10_000


def test_the_mean_of_equal_rows_is_the_row():
    one = np.array([[0.6, 0.8]], np.float32)
    twice = mean_rows(np.concatenate([one, one]), np.array([0, 0]))
    np.testing.assert_allclose(twice, one, atol=1e-7)
    np.testing.assert_array_equal(mean_rows(one, np.array([0])), one)


def test_stretched_tables_are_long_clips_and_keep_straight_lines():
    table = np.random.default_rng(0).normal(size=(77, 5)).astype(np.float32)
    longer = stretched(table, 20)
    assert len(longer) == 248
    np.testing.assert_array_equal(longer[:20], table[:20])
    np.testing.assert_array_equal(longer[20::4], table[20:])
    line = np.linspace(0, 76, 77, dtype=np.float32)[:, None]
    np.testing.assert_allclose(np.diff(stretched(line, 20)[20:], axis=0), 0.25, atol=1e-5)
    np.testing.assert_allclose(np.diff(stretched(line, 0), axis=0), 0.25, atol=1e-5)


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory):
    return tmp_path_factory.mktemp("long")


@pytest.fixture(autouse=True)
def home(shared_home, monkeypatch):
    monkeypatch.setenv("SEXTANT_HOME", str(shared_home))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An OpenCLIP model of random weights with a context of twelve tokens."""
    place = tmp_path_factory.mktemp("tiny")
    return model_folder(place, preprocessing={"resize_mode": "squash"}, seed=1)


@pytest.fixture
def encoder(folder, monkeypatch):
    """That model on torch, for every backend: which one is faster is not tested here."""
    monkeypatch.setattr("core.encoders.load", lambda name, backend="auto": load(name, "torch"))
    return load(f"local-dir:{folder}", "torch")


def test_texts_within_the_limit_are_the_same_in_every_mode(encoder):
    texts = ["a dog", "two dogs on a beach"]
    base = with_long_text(encoder, "").encode_texts(texts)
    for mode in MODES:
        found = with_long_text(encoder, mode)
        np.testing.assert_array_equal(found.encode_texts(texts), base)
        assert found.long_text_note("a dog") == ""


def test_the_end_of_a_long_text_counts(encoder):
    other = LONG + " And a whale swims."
    for mode in MODES:
        rows = with_long_text(encoder, mode).encode_texts([LONG, "a dog", other])
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
        assert (rows[0] != rows[2]).any() == bool(mode), mode
        alone = with_long_text(encoder, mode).encode_texts([other])[0]
        np.testing.assert_allclose(rows[2], alone, atol=1e-5)


def test_a_text_in_windows_is_the_mean_of_their_rows(encoder):
    reader, model = with_long_text(encoder, "windows"), checkpoints.model(encoder.name)
    parts = windows(LONG, lambda t: model.count(t) <= model.context)
    rows = reader.encode_texts(parts).mean(axis=0)
    expected = rows / np.linalg.norm(rows)
    np.testing.assert_allclose(reader.encode_texts([LONG])[0], expected, atol=1e-5)
    assert f"in {len(parts)} windows" in reader.long_text_note(LONG)
    assert "only its first" in with_long_text(encoder, "").long_text_note(LONG)


def test_stretching_to_the_old_positions_changes_nothing(encoder, monkeypatch):
    """With rows 0, 1, 2 ... of the old table in front, a text that fits reads as before."""
    from core.encoders import modules as module

    text = "two dogs on a beach"
    monkeypatch.setattr(module, "stretched", lambda table, keep: np.concatenate([table] * 4))
    longer = checkpoints.model(encoder.name).stretch("interpolate")
    rows = longer.tower.build()(_tensor(longer.tokenize([text])))
    np.testing.assert_allclose(rows[0].numpy(), encoder.encode_texts([text])[0], atol=1e-4)


def _tensor(array):
    import torch

    torch.set_grad_enabled(False)
    return torch.from_numpy(array)


def test_modes_are_part_of_the_passport():
    old = Passport("starter", "w", "p", 4)
    assert Passport.from_json(old.to_json().replace(', "long_text": ""', "")) == old
    assert old.key == Passport("starter", "w", "p", 4, version="2").key
    assert len({Passport("starter", "w", "p", 4, long_text=mode).key for mode in MODES}) == 4
    toy = load("toy")
    assert with_long_text(toy, "windows") is toy
    assert long_text_note(toy, LONG * 100) == ""


@pytest.fixture
def stories(tmp_path):
    """Two images, one with a caption far beyond the limit."""
    rows = [{"image": "0.png", "caption": LONG}, {"image": "1.png", "caption": "a cat"}]
    files = {f"{i}.png": encoded(ramp(seed=i)) for i in range(2)}
    return folder_of(tmp_path / "stories", {**files, "items.jsonl": jsonl(*rows)})


@pytest.mark.parametrize("mode", [None, "stretch", ""])
def test_a_query_is_encoded_as_the_stored_texts_were(stories, encoder, mode):
    bench, name = Workbench(stories.parent / "home"), encoder.name
    report = bench.ingest("stories", stories, encoder=name, long_text=mode)
    assert any(n.startswith("1 text exceeds the encoder's token limit") for n in report.notes)
    assert bench.passport("stories").long_text == ("windows" if mode is None else mode)
    answer = bench.search(bench.open("stories"), Query((Part(LONG),), ("text",)))
    assert answer.hits[0].cosine == pytest.approx(1, abs=1e-5)
    assert len(answer.notes) == 1
    assert answer.notes[0].startswith("The text is ")
    assert bench.search(bench.open("stories"), Query((Part("a cat"),), ("text",))).notes == ()


def test_a_collection_has_one_mode(stories, encoder):
    bench, name = Workbench(stories.parent / "home"), encoder.name
    bench.ingest("stories", stories, encoder=name, long_text="")
    assert bench.ingest("stories", stories, encoder=name).encoded == 0
    assert bench.passport("stories").long_text == ""
    with pytest.raises(InputError, match="--long-text cut; given: windows"):
        bench.ingest("stories", stories, encoder=name, long_text="windows")
    with pytest.raises(BadParameter, match="long text is recurrent; allowed: windows, stretch"):
        bench.ingest("stories", stories, encoder=name, long_text="recurrent")
