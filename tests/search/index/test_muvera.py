"""Fixed encodings (MUVERA) against their definition and against MaxSim."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.numerics.multivector import best_matches
from core.search.index.muvera import FixedEncoding, MuveraIndex


def unit(rng, *shape):
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def one_item(coder, vectors):
    """(size,) the encoding of a single item, in the order of a query's."""
    return coder.encode_items(vectors, np.array([len(vectors)])).ravel()


def chamfer(words, parts):
    return sum(max(float(w @ p) for p in parts) for w in words)


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_encodings_of_many_are_those_of_each(seed):
    rng = np.random.default_rng(seed)
    coder, words = FixedEncoding(12, bits=3, inner=8, repeats=4), unit(rng, 3, 12)
    items = [unit(rng, t, 12) for t in rng.integers(1, 7, 9)]
    lengths, flat = np.array([*map(len, items)]), np.concatenate(items)
    each = np.stack([one_item(coder, item) for item in items])
    together = coder.encode_items(flat, lengths).transpose(1, 0, 2).reshape(9, -1)
    np.testing.assert_allclose(together, each, atol=1e-5)
    index, rows = MuveraIndex(coder, 10), rng.permutation(10)[:9]
    index.put(rows, flat, lengths)
    scores, encoded = index.scores(words), coder.encode_query(words)
    # One byte a number: at most half a step of what each is multiplied by.
    steps = np.abs(each).max(axis=1) / 127
    assert (
        np.abs(scores[rows] - each @ encoded) <= 0.51 * steps * np.abs(encoded).sum() + 1e-5
    ).all()
    assert not scores[np.setdiff1d(np.arange(10), rows)].any()
    assert index.nbytes == 10 * (coder.size + 4)


def test_encodings_find_the_best_by_late_interaction(rng):
    """Of 2000 items the best ten by MaxSim are almost all among the first 400 by encodings."""
    topics = unit(rng, 60, 32)
    items = [unit(rng, 4, 32) * 0.5 + topics[rng.integers(0, 60, 4)] for _ in range(2000)]
    items = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in items]
    index = MuveraIndex(FixedEncoding(32, bits=3, inner=16, repeats=20), 2000)
    index.put(np.arange(2000), np.concatenate(items), np.full(2000, 4))
    shares = []
    for _ in range(10):
        words = topics[rng.integers(0, 60, 3)]
        best = np.argsort(-best_matches(words, items).sum(axis=1))[:10]
        shares.append(np.isin(best, np.argsort(-index.scores(words))[:400]).mean())
    assert np.mean(shares) > 0.95


def test_a_fixed_encoding_of_one_part_is_exact(rng):
    coder = FixedEncoding(16, bits=4, inner=0, repeats=3)
    words, part = unit(rng, 5, 16), unit(rng, 1, 16)
    assert coder.encode_query(words).shape == (coder.size,)
    assert coder.encode_query(words) @ one_item(coder, part) == pytest.approx(
        (words @ part[0]).sum(), abs=1e-5
    )


def test_without_planes_it_is_the_mean(rng):
    coder = FixedEncoding(16, bits=0, inner=0, repeats=2)
    words, parts = unit(rng, 5, 16), unit(rng, 7, 16)
    expected = (words @ parts.mean(axis=0)).sum()
    assert coder.encode_query(words) @ one_item(coder, parts) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_it_is_at_most_maxsim_and_additive(seed):
    rng = np.random.default_rng(seed)
    coder = FixedEncoding(12, bits=3, inner=0, repeats=4, seed=seed)
    words, parts = unit(rng, 4, 12), unit(rng, 6, 12)
    query, item = coder.encode_query(words), one_item(coder, parts)
    assert query @ item <= chamfer(words, parts) + 1e-5
    two = coder.encode_query(words[:1]) + coder.encode_query(words[1:])
    np.testing.assert_allclose(query, two, atol=1e-5)
    np.testing.assert_allclose(one_item(coder, parts[::-1]), item, atol=1e-5)


def test_random_signs_estimate_without_bias(rng):
    words, part = unit(rng, 3, 16), unit(rng, 1, 16)
    estimates = [
        coder.encode_query(words) @ one_item(coder, part)
        for coder in (FixedEncoding(16, bits=2, inner=8, repeats=10, seed=s) for s in range(60))
    ]
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - (words @ part[0]).sum()) < 4 * error
