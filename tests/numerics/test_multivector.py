"""MaxSim and token pooling against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadParameter
from core.numerics.multivector import best_matches, pool, pooled
from core.types.tokens import Pooling


def unit(rng, *shape):
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def chamfer(words, parts):
    return sum(max(float(w @ p) for p in parts) for w in words)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_maxsim_is_its_definition(seed):
    rng = np.random.default_rng(seed)
    words, items = unit(rng, 3, 8), [unit(rng, t, 8) for t in rng.integers(1, 6, 5)]
    found = best_matches(words, items)
    np.testing.assert_allclose(found.sum(1), [chamfer(words, p) for p in items], atol=1e-5)
    # A part that comes twice changes nothing; a word that comes twice counts twice.
    np.testing.assert_allclose(best_matches(words, [p[[*range(len(p)), 0]] for p in items]), found)
    assert best_matches(words[[0, 0]], items).shape == (5, 2)
    one = best_matches(words[:1], [p[:1] for p in items])[:, 0]
    np.testing.assert_allclose(one, [p[0] @ words[0] for p in items], atol=1e-6)
    assert best_matches(words, []).shape == (0, 3)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from(["ward", "kmeans"]))
def test_pooling_keeps_what_it_must(seed, k, clusters):
    rng = np.random.default_rng(seed)
    x, words = unit(rng, 9, 6), unit(rng, 4, 6)
    kept, members = pooled(x, k, clusters)
    assert len(kept) <= k
    assert members.shape == (9,)
    np.testing.assert_allclose(np.linalg.norm(kept, axis=1), 1, atol=1e-5)
    for at in range(len(kept)):
        mean = x[members == at].mean(axis=0)
        np.testing.assert_allclose(mean / np.linalg.norm(mean), kept[at], atol=1e-5)
        assert (words @ mean <= (words @ x[members == at].T).max(axis=1) + 1e-6).all()
    if k >= 9:
        np.testing.assert_array_equal(kept[members], x)
    same, _ = pooled(np.repeat(x[:1], 9, axis=0), min(k, 8), clusters)
    np.testing.assert_allclose(same, x[:1], atol=1e-6)


@pytest.mark.parametrize("clusters", ["ward", "kmeans"])
def test_pooling_finds_the_topics(clusters, rng):
    """Of 4 planted topics in 40 parts, 4 vectors; the best match of a topic's word survives."""
    topics = unit(rng, 4, 32)
    x = np.repeat(topics, 10, axis=0) + 0.2 * unit(rng, 40, 32)
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    kept, members = pooled(x, 4, clusters)
    assert all(len(set(members[10 * i : 10 * i + 10])) == 1 for i in range(4))
    assert best_matches(topics, [kept]).min() > 0.97


def test_a_share_of_the_parts_is_rounded_up(rng):
    x = unit(rng, 10, 6)
    assert [len(pool(x, Pooling("kmeans", ratio=r))) for r in (0.01, 0.25, 1.0)] == [1, 3, 10]
    for pooling in (Pooling(), Pooling("kmeans", keep=3), Pooling(ratio=0.125)):
        assert Pooling.parse(pooling.name) == pooling
    for wrong in ({"keep": 0}, {"ratio": 1.5}, {"clusters": "mean"}, {"ratio": float("nan")}):
        with pytest.raises(BadParameter, match="allowed"):
            Pooling(**wrong)


@pytest.mark.parametrize("name", ["median keep 8", "ward drop 8", "ward keep few", "ward", ""])
def test_a_pooling_that_another_version_kept_is_told_in_a_sentence(name):
    allowed = "ward or kmeans, then keep or ratio, then a number"
    with pytest.raises(BadParameter, match=f"^pooling is {name!r}; allowed: {allowed}.$"):
        Pooling.parse(name)
