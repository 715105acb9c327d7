"""Rerankers: what holds for all, and each against its own formula."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadParameter, InputError, UnknownName
from core.registry import Choices
from core.search.engine import run, search
from core.search.plan import SearchPlan
from core.search.rerankers import RERANKERS, Shortlist
from core.search.rerankers.orthogonal_fusion import remainder
from core.types.space import Space
from tests.fixtures import spaces

PARTS = RERANKERS.all()
every = pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))
GRAPH = ("super_global", "database_augmentation", "k_reciprocal")


def listed(space, vector, rows=None):
    """The best rows for a query, and tokens of each: the row and two shifts of it."""
    rows = np.arange(space.n) if rows is None else rows
    scores = space.vectors[rows] @ vector - space.offset[rows]
    order = np.argsort(-scores, kind="stable")

    def tokens(vectors):
        parts = [vectors, np.roll(vectors, 1, axis=1), np.roll(vectors, 2, axis=1)]
        return np.stack(parts, axis=1).astype(np.float32)

    return Shortlist(
        space,
        vector,
        rows[order],
        scores[order],
        tokens(vector[None])[0],
        lambda rows: list(tokens(space.vectors[rows])),
    )


def unit(x):
    return (x / np.linalg.norm(x)).astype(np.float32)


def clusters(n_each=15, count=8, d=32, noise=1.2, seed=0):
    """Images in clusters, and the cluster of each; every tenth is a query."""
    centers = spaces.directions(count, d, seed)
    code = np.repeat(np.arange(count), n_each)
    rows = centers[code] + noise * spaces.directions(len(code), d, seed + 1)
    return spaces.space(rows), code


def average_precision(part, space, code, queries=range(0, 120, 10), vectors=None):
    """Mean over queries, each of which excludes itself."""
    values = []
    for query in queries:
        vector = space.vectors[query] if vectors is None else vectors[query]
        rest = np.setdiff1d(np.arange(space.n_images), [query])
        order = listed(space, vector, rest)
        order = order if part is None else replace(order, scores=part(order))
        rows = order.rows[np.argsort(-order.scores, kind="stable")]
        hit = code[rows] == code[query]
        values.append((np.cumsum(hit) / np.arange(1, len(hit) + 1))[hit].mean())
    return np.mean(values)


@every
@pytest.mark.parametrize(
    "space",
    [
        spaces.ball(n=60, d=16),
        spaces.gap(n=40, d=16, size=2.0),
        spaces.same(12),
        spaces.ball(n=1, d=4),
        spaces.space(spaces.directions(3, 4)),
        spaces.space(np.eye(40)),
        spaces.space(-np.abs(spaces.directions(30, 8))),
        spaces.one_hub(n=100),
    ],
    ids=["ball", "both kinds", "same", "two", "three", "orthonormal", "all opposite", "hub"],
)
def test_new_scores_are_finite_and_come_out_the_same_again(part, space):
    query = unit(np.abs(space.vectors[0]) + 0.1)
    for shortlist in (listed(space, query), listed(space, query, np.arange(1))):
        before = shortlist.scores.copy()
        scores = part(shortlist)
        assert scores.shape == shortlist.rows.shape
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()
        np.testing.assert_array_equal(scores, part(replace(shortlist)))
        np.testing.assert_array_equal(shortlist.scores, before)


@every
def test_equal_items_have_equal_scores(part):
    scores = part(listed(spaces.same(30), unit(np.arange(1.0, 9.0))))
    assert (np.diff(scores) < 1e-5).all()


@every
def test_where_the_rows_lie_in_the_space_does_not_matter(part):
    space = spaces.ball(n=50, d=16)
    turned = spaces.reordered(space, 3)
    where = {row.tobytes(): i for i, row in enumerate(turned.vectors)}
    one = listed(space, unit(space.vectors[3] + 0.5 * space.vectors[60]))
    two = replace(one, space=turned, rows=np.array([where[r.tobytes()] for r in one.vectors]))
    tokens = {place: t for place, t in zip(two.rows.tolist(), one.tokens(one.rows), strict=True)}
    two = replace(two, tokens=lambda rows: [tokens[row] for row in rows.tolist()])
    np.testing.assert_allclose(part(two), part(one), atol=1e-6)


@every
def test_search_takes_it_and_keeps_what_lies_beyond(part):
    space = spaces.ball(n=500, d=16)
    query = unit(space.vectors[3] + 0.5 * space.vectors[60])
    hits = listed(space, query)
    plain = search(space, query, k=600)

    def ranked(shortlist):
        return part(replace(shortlist, query_tokens=hits.query_tokens, tokens=hits.tokens))

    result = run(SearchPlan(space, query, k=600, rerank=ranked))
    rows = [h.row for h in result.hits]
    before = [h.row for h in plain.hits]
    assert set(rows[:400]) == set(before[:400])
    assert rows[400:] == before[400:]
    scores = [h.score for h in result.hits]
    assert (np.diff(scores) < 1e-6).all()
    assert [h.plain_rank for h in result.hits] == [before.index(row) + 1 for row in rows]


@every
def test_it_is_documented_and_its_settings_are_checked(part):
    assert part.title
    assert part.family == "Reranking"
    assert part.summary.endswith(".")
    assert re.search(r"\b20\d\d\b", part.source)
    assert all(word in part.about for word in ("Args:", "Returns:", ">>>"))
    hits = listed(spaces.ball(n=20, d=8), unit(np.arange(1.0, 9.0)))
    for param in part.params:
        param.check(param.default)
        assert f"{param.name}:" in part.about
        bad = "none" if isinstance(param.allowed, Choices) else param.allowed.high + 1
        with pytest.raises(BadParameter, match=f"{param.name} is .*allowed"):
            part(hits, **{param.name: bad})
    with pytest.raises(UnknownName, match="No setting of"):
        part(hits, color=1)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownName, match=r"No reranker is called 'k_reciprocl'\. Did you mean"):
        RERANKERS.get("k_reciprocl")


@pytest.mark.parametrize("name", [*GRAPH, "alpha_query_expansion"])
def test_planted_clusters_come_together_and_noise_does_not(name):
    part = PARTS[name]
    space, code = clusters()
    plain = average_precision(None, space, code)
    assert average_precision(part, space, code) > plain + 0.02
    chance = average_precision(None, space, np.random.default_rng(0).permutation(code))
    shuffled = average_precision(part, space, np.random.default_rng(0).permutation(code))
    assert shuffled < chance + 0.02


@pytest.mark.parametrize("name", GRAPH)
def test_clusters_come_together_for_texts_that_lie_far_away_too(name):
    """The query is nobody's nearest: a modality gap parts it from every hit."""
    space, code = clusters()
    rng = np.random.default_rng(5)
    near = space.vectors + 0.6 * rng.normal(size=(120, 32)) / np.sqrt(32)
    side = np.sqrt(1 - 0.09) * unit(rng.normal(size=32))
    texts = np.stack([unit(0.3 * unit(row) + side) for row in near])
    plain = average_precision(None, space, code, vectors=texts)
    assert average_precision(PARTS[name], space, code, vectors=texts) > plain


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("alpha_query_expansion", {"n": 0}),
        ("database_augmentation", {"n": 0}),
    ],
)
def test_nothing_added_is_the_order_given_bit_for_bit(name, off):
    hits = listed(spaces.ball(n=80, d=16), unit(np.arange(1.0, 17.0)))
    np.testing.assert_array_equal(PARTS[name](hits, **off), hits.scores)


def test_k_reciprocal_with_only_the_first_distance_keeps_the_order():
    hits = listed(spaces.ball(n=80, d=16), unit(np.arange(1.0, 17.0)))
    scores = PARTS["k_reciprocal"](hits, share=1.0)
    assert (np.diff(scores) <= 0).all()
    assert (np.argsort(-scores, kind="stable") == np.arange(len(scores))).all()


def test_super_global_step_by_step():
    hits = listed(spaces.ball(n=30, d=16), unit(np.arange(1.0, 17.0)))
    x = hits.vectors.astype(np.float64)
    refined = []
    for i in range(len(x)):
        order = [j for j in np.argsort(-(x @ x[i])) if j != i][:9]
        weights = [0.15 * max(x[i] @ x[j], 0) for j in order]
        total = x[i] + sum(w * x[j] for w, j in zip(weights, order, strict=True))
        refined.append(total / (1 + sum(weights)))
    refined = np.array(refined)
    first = refined @ hits.vector
    expanded = refined[np.argsort(-first)[:10]].max(axis=0)
    expected = (first + refined @ expanded) / 2
    np.testing.assert_allclose(PARTS["super_global"](hits), expected, atol=1e-5)


def test_super_global_leaves_orthogonal_hits_as_they_are():
    hits = listed(spaces.space(np.eye(30)), unit(np.arange(1.0, 31.0)))
    scores = PARTS["super_global"](hits)
    best = hits.rows[:10]  # the expanded query is 1 on these axes
    np.testing.assert_allclose(scores, (hits.scores + np.isin(hits.rows, best)) / 2, atol=1e-6)


def test_k_reciprocal_step_by_step():
    space, _ = clusters()
    hits = listed(space, space.vectors[4], np.setdiff1d(np.arange(120), [4]))
    k1, k2, share = 10, 4, 0.3
    x = np.concatenate([hits.vector[None], hits.vectors]).astype(np.float64)
    d = 2 - 2 * x @ x.T
    d /= d.max(axis=1, keepdims=True)
    ranked = [[i, *(j for j in np.argsort(d[i]) if j != i)] for i in range(len(d))]

    def reciprocal(i, k):
        return {j for j in ranked[i][: k + 1] if i in ranked[j][: k + 1]}

    encoded = np.zeros_like(d)
    for i in range(len(d)):
        members = reciprocal(i, k1)
        for j in reciprocal(i, k1):
            other = reciprocal(j, k1 // 2)
            if len(other & reciprocal(i, k1)) > 2 / 3 * len(other):
                members |= other
        for j in members:
            encoded[i, j] = np.exp(-max(d[i, j], 0))
        encoded[i] /= encoded[i].sum()
    encoded = np.array([encoded[ranked[i][:k2]].mean(axis=0) for i in range(len(d))])
    common = np.minimum(encoded[0], encoded[1:]).sum(axis=1)
    union = np.maximum(encoded[0], encoded[1:]).sum(axis=1)
    expected = -((1 - share) * (1 - common / union) + share * d[0, 1:])
    np.testing.assert_allclose(
        PARTS["k_reciprocal"](hits, k1=k1, k2=k2, share=share), expected, atol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("super_global", 40),
        ("alpha_query_expansion", 40),
        ("database_augmentation", 40),
        ("k_reciprocal", 5),  # only the first distance and the query's own set see it
    ],
)
def test_a_hub_correction_is_not_undone(name, least):
    space, _ = clusters(n_each=10)
    query = unit(space.vectors[4] + 0.2 * space.vectors[5])
    best = int(np.argmax(space.vectors @ query))
    offset = np.zeros(space.n, np.float32)
    offset[best] = 1.5
    biased = Space(space.vectors, space.ids, space.n_images, offset=offset)
    assert run(SearchPlan(space, query, rerank=PARTS[name])).hits[0].row in range(10)
    hits = run(SearchPlan(biased, query, k=space.n, rerank=PARTS[name])).hits
    assert next(h.rank for h in hits if h.row == best) > least


def units(rng, *shape):
    return np.apply_along_axis(unit, -1, rng.normal(size=shape))


def chamfer(words, parts):
    return sum(max(float(w @ p) for p in parts) for w in words)


def with_tokens(rng, m=20, d=16):
    """A shortlist whose items have two to five tokens each."""
    space = spaces.space(rng.normal(size=(m, d)))
    query = unit(rng.normal(size=d))
    parts = {i: units(rng, 2 + i % 4, d) for i in range(m)}
    rows = np.argsort(-(space.vectors @ query))
    scores = (space.vectors @ query)[rows]
    words = units(rng, 3, d)
    return Shortlist(space, query, rows, scores, words, lambda rows: [parts[i] for i in rows])


def test_the_reranker_mixes_whole_and_words(rng):
    shortlist = with_tokens(rng)
    np.testing.assert_allclose(PARTS["max_sim"](shortlist, weight=0.0), shortlist.scores, atol=1e-7)
    late = [
        chamfer(shortlist.query_tokens, parts) / 3 for parts in shortlist.tokens(shortlist.rows)
    ]
    np.testing.assert_allclose(PARTS["max_sim"](shortlist, weight=1.0), late, atol=1e-6)
    mixed = 0.75 * shortlist.scores + 0.25 * np.array(late)
    np.testing.assert_allclose(PARTS["max_sim"](shortlist, weight=0.25), mixed, atol=1e-6)


@pytest.mark.parametrize("part", [PARTS["max_sim"], PARTS["orthogonal_fusion"]])
def test_a_hub_correction_is_in_the_score(part, rng):
    shortlist = with_tokens(rng)
    space = shortlist.space
    offset = rng.random(space.n).astype(np.float32)
    biased = replace(
        shortlist,
        space=Space(space.vectors, space.ids, space.n_images, offset=offset),
        scores=shortlist.scores - offset[shortlist.rows],
    )
    moved = part(shortlist) - part(biased)
    np.testing.assert_allclose(moved, offset[shortlist.rows], atol=1e-5)


@pytest.mark.parametrize("part", [PARTS["max_sim"], PARTS["orthogonal_fusion"]])
def test_without_tokens_the_next_step_is_named(part, rng):
    shortlist = with_tokens(rng)
    with pytest.raises(InputError, match=r"none are stored .* sextant tokens NAME"):
        part(replace(shortlist, tokens=None))
    with pytest.raises(InputError, match="this query has none"):
        part(replace(shortlist, query_tokens=()))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0, 4))
def test_orthogonal_fusion_is_the_cosine_of_both(seed, strength):
    rng = np.random.default_rng(seed)
    shortlist = with_tokens(rng)
    scores = PARTS["orthogonal_fusion"](shortlist, strength=strength)

    def both(whole, parts):
        rest = remainder(whole, parts)
        assert abs(rest @ whole) < 1e-5
        return np.concatenate([whole, strength * rest]) / np.sqrt(1 + strength**2)

    query = both(shortlist.vector, shortlist.query_tokens)
    items = shortlist.tokens(shortlist.rows)
    expected = [both(v, p) @ query for v, p in zip(shortlist.vectors, items, strict=True)]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    if strength == 0:
        np.testing.assert_allclose(scores, shortlist.scores, atol=1e-6)


def test_parts_along_the_whole_leave_nothing(rng):
    whole = unit(rng.normal(size=8))
    assert not remainder(whole, np.stack([whole, whole])).any()
