"""Late interaction, pooling and fixed encodings against what they are by definition."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadParameter, InputError
from core.numerics.multivector import best_matches, pool, pooled
from core.search.index.muvera import FixedEncoding, MuveraIndex
from core.search.rerankers import RERANKERS, Shortlist
from core.search.rerankers.orthogonal_fusion import remainder
from core.types.space import Space
from core.types.tokens import Pooling
from tests.fixtures import spaces

max_sim, orthogonal_fusion = RERANKERS.get("max_sim"), RERANKERS.get("orthogonal_fusion")


def unit(rng, *shape):
    x = rng.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def chamfer(words, parts):
    return sum(max(float(w @ p) for p in parts) for w in words)


def listed(rng, m=20, d=16):
    space = spaces.space(unit(rng, m, d))
    query = unit(rng, d)
    parts = {i: unit(rng, 2 + i % 4, d) for i in range(m)}
    rows = np.argsort(-(space.vectors @ query))
    scores = (space.vectors @ query)[rows]
    words = unit(rng, 3, d)
    return Shortlist(space, query, rows, scores, words, lambda asked: [parts[i] for i in asked])


@settings(max_examples=20, deadline=None)
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


def test_the_reranker_mixes_whole_and_words(rng):
    shortlist = listed(rng)
    np.testing.assert_allclose(max_sim(shortlist, weight=0.0), shortlist.scores, atol=1e-7)
    late = [
        chamfer(shortlist.query_tokens, parts) / 3 for parts in shortlist.tokens(shortlist.rows)
    ]
    np.testing.assert_allclose(max_sim(shortlist, weight=1.0), late, atol=1e-6)
    mixed = 0.75 * shortlist.scores + 0.25 * np.array(late)
    np.testing.assert_allclose(max_sim(shortlist, weight=0.25), mixed, atol=1e-6)


@pytest.mark.parametrize("part", [max_sim, orthogonal_fusion])
def test_a_hub_correction_is_in_the_score(part, rng):
    shortlist = listed(rng)
    space = shortlist.space
    offset = rng.random(space.n).astype(np.float32)
    biased = replace(
        shortlist,
        space=Space(space.vectors, space.ids, space.n_images, offset=offset),
        scores=shortlist.scores - offset[shortlist.rows],
    )
    moved = part(shortlist) - part(biased)
    np.testing.assert_allclose(moved, offset[shortlist.rows], atol=1e-5)


@pytest.mark.parametrize("part", [max_sim, orthogonal_fusion])
def test_without_tokens_the_next_step_is_named(part, rng):
    shortlist = listed(rng)
    with pytest.raises(InputError, match=r"none are stored .* sextant tokens NAME"):
        part(replace(shortlist, tokens=None))
    with pytest.raises(InputError, match="this query has none"):
        part(replace(shortlist, query_tokens=()))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 4))
def test_orthogonal_fusion_is_the_cosine_of_both(seed, strength):
    rng = np.random.default_rng(seed)
    shortlist = listed(rng)
    scores = orthogonal_fusion(shortlist, strength=strength)

    def both(whole, parts):
        rest = remainder(whole, parts)
        assert abs(rest @ whole) < 1e-5
        return np.concatenate([whole, strength * rest]) / np.sqrt(1 + strength**2)

    asked = both(shortlist.vector, shortlist.query_tokens)
    items = shortlist.tokens(shortlist.rows)
    expected = [both(v, p) @ asked for v, p in zip(shortlist.vectors, items, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    if strength == 0:
        np.testing.assert_allclose(scores, shortlist.scores, atol=1e-6)


def test_parts_along_the_whole_leave_nothing(rng):
    whole = unit(rng, 8)
    assert not remainder(whole, np.stack([whole, whole])).any()


@settings(max_examples=20, deadline=None)
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


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_encodings_of_many_are_those_of_each(seed):
    rng = np.random.default_rng(seed)
    coder, words = FixedEncoding(12, bits=3, inner=8, repeats=4), unit(rng, 3, 12)
    items = [unit(rng, t, 12) for t in rng.integers(1, 7, 9)]
    lengths, flat = np.array([*map(len, items)]), np.concatenate(items)
    each = np.stack([coder.of_parts(item) for item in items])
    together = coder.of_items(flat, lengths).transpose(1, 0, 2).reshape(9, -1)
    np.testing.assert_allclose(together, each, atol=1e-5)
    kept, rows = MuveraIndex(coder, 10), rng.permutation(10)[:9]
    kept.put(rows, flat, lengths)
    found, asked = kept.scores(words), coder.of_words(words)
    # One byte a number: at most half a step of what each is multiplied by.
    steps = np.abs(each).max(axis=1) / 127
    assert (np.abs(found[rows] - each @ asked) <= 0.51 * steps * np.abs(asked).sum() + 1e-5).all()
    assert not found[np.setdiff1d(np.arange(10), rows)].any()
    assert kept.nbytes == 10 * (coder.size + 4)


def test_encodings_find_the_best_by_late_interaction(rng):
    """Of 2000 items the best ten by MaxSim are nearly all among the first 400 by encodings."""
    topics = unit(rng, 60, 32)
    items = [unit(rng, 4, 32) * 0.5 + topics[rng.integers(0, 60, 4)] for _ in range(2000)]
    items = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in items]
    kept = MuveraIndex(FixedEncoding(32, bits=3, inner=16, repeats=20), 2000)
    kept.put(np.arange(2000), np.concatenate(items), np.full(2000, 4))
    shares = []
    for _ in range(10):
        words = topics[rng.integers(0, 60, 3)]
        best = np.argsort(-best_matches(words, items).sum(axis=1))[:10]
        shares.append(np.isin(best, np.argsort(-kept.scores(words))[:400]).mean())
    assert np.mean(shares) > 0.95


def test_a_fixed_encoding_of_one_part_is_exact(rng):
    coder = FixedEncoding(16, bits=4, inner=0, repeats=3)
    words, part = unit(rng, 5, 16), unit(rng, 1, 16)
    assert coder.of_words(words).shape == (coder.size,)
    assert coder.of_words(words) @ coder.of_parts(part) == pytest.approx(
        (words @ part[0]).sum(), abs=1e-5
    )


def test_without_planes_it_is_the_mean(rng):
    coder = FixedEncoding(16, bits=0, inner=0, repeats=2)
    words, parts = unit(rng, 5, 16), unit(rng, 7, 16)
    expected = (words @ parts.mean(axis=0)).sum()
    assert coder.of_words(words) @ coder.of_parts(parts) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_it_never_says_more_than_maxsim_and_adds_up(seed):
    rng = np.random.default_rng(seed)
    coder = FixedEncoding(12, bits=3, inner=0, repeats=4, seed=seed)
    words, parts = unit(rng, 4, 12), unit(rng, 6, 12)
    asked, kept = coder.of_words(words), coder.of_parts(parts)
    assert asked @ kept <= chamfer(words, parts) + 1e-5
    two = coder.of_words(words[:1]) + coder.of_words(words[1:])
    np.testing.assert_allclose(asked, two, atol=1e-5)
    np.testing.assert_allclose(coder.of_parts(parts[::-1]), kept, atol=1e-5)


def test_random_signs_estimate_without_bias(rng):
    words, part = unit(rng, 3, 16), unit(rng, 1, 16)
    found = [
        coder.of_words(words) @ coder.of_parts(part)
        for coder in (FixedEncoding(16, bits=2, inner=8, repeats=10, seed=s) for s in range(60))
    ]
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found) - (words @ part[0]).sum()) < 4 * error
