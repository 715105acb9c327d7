"""Exact search equals the obvious search, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.numerics import neighbors
from core.numerics.neighbors import nearest, preceding, ranks, select, top_k
from core.types.space import Space


def unit(rng, n, d=8):
    x = rng.normal(size=(n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def obvious(queries, vectors, k, offset=0.0, mask=None, exclude=None):
    scores = queries @ vectors.T - offset
    if mask is not None:
        scores[:, ~mask] = -np.inf
    if exclude is not None:
        scores[np.arange(len(queries)), exclude] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


@settings(max_examples=60)
@given(
    n=st.integers(1, 6000),
    q=st.integers(1, 7),
    k=st.integers(1, 40),
    seed=st.integers(0, 99),
    share=st.sampled_from([None, 0.9, 0.1]),
    step=st.sampled_from([1 << 24, 5000]),
)
def test_top_k_equals_a_full_sort(n, q, k, seed, share, step):
    rng = np.random.default_rng(seed)
    vectors, queries = unit(rng, n), unit(rng, q)
    offset = rng.normal(size=n).astype(np.float32) * 0.1
    mask = None if share is None else rng.random(n) < share
    old, neighbors.SCORE_BLOCK = neighbors.SCORE_BLOCK, step
    try:
        indices, scores = top_k(queries, vectors, k, offset=offset, mask=mask)
    finally:
        neighbors.SCORE_BLOCK = old
    k = min(k, n if mask is None else int(mask.sum()))
    _, expected = obvious(queries, vectors, k, offset, mask)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    picked = np.take_along_axis(queries @ vectors.T - offset, indices, axis=1)
    np.testing.assert_allclose(picked, expected, atol=1e-6)
    assert mask is None or mask[indices].all()


def test_ties_are_ordered_by_row():
    vectors = np.repeat(np.eye(2, dtype=np.float32), 3000, axis=0)
    indices, _ = top_k(np.array([[0, 1]], np.float32), vectors, 5)
    assert indices.tolist() == [[3000, 3001, 3002, 3003, 3004]]


@pytest.mark.parametrize("share", [None, 0.9, 0.05])
def test_an_excluded_row_is_never_found(rng, share):
    vectors = unit(rng, 4000)
    mask = None if share is None else rng.random(4000) < share
    own = np.arange(5) if mask is None else np.flatnonzero(mask)[:5]
    indices, scores = top_k(vectors[own], vectors, 9, mask=mask, exclude=own)
    assert not (indices == own[:, None]).any()
    np.testing.assert_allclose(
        scores, obvious(vectors[own], vectors, 9, mask=mask, exclude=own)[1], atol=1e-6
    )


@pytest.mark.parametrize("others", [0, 60])
def test_a_query_whose_own_row_is_not_allowed_loses_no_other(rng, others):
    """Whether few allowed rows are copied, or most rows are masked."""
    vectors = unit(rng, 80)
    vectors[5] = vectors[7]
    mask = np.zeros(80, bool)
    mask[[3, 7, *range(20, 20 + others)]] = True
    queries = np.array([3, 7, 5])
    indices, _ = top_k(vectors[queries], vectors, 9, mask=mask, exclude=queries)
    assert indices.shape == (3, 9 if others else 1)  # rows 3 and 7 have one other at the least
    assert indices[2, 0] == 7
    if not others:
        assert indices[:2].tolist() == [[7], [3]]
    alone, _ = top_k(vectors[[5]], vectors, 2, mask=mask, exclude=np.array([5]))
    assert alone.shape == (1, 2) and alone[0, 0] == 7
    none, _ = top_k(vectors[queries], vectors, 2, exclude=np.array([-1, -1, 5]))
    assert none[:, 0].tolist() == [3, 5, 7]


def test_fewer_rows_than_k_come_back_whole(rng):
    vectors = unit(rng, 3)
    indices, _ = top_k(vectors, vectors, 10, exclude=np.arange(3))
    assert indices.shape == (3, 2)
    mask = np.array([False, True, False])
    assert top_k(vectors[:1], vectors, 10, mask=mask)[0].tolist() == [[1]]
    assert top_k(vectors[:1], vectors, 10, mask=np.zeros(3, bool))[0].shape == (1, 0)


@settings(max_examples=40)
@given(n=st.integers(2, 300), seed=st.integers(0, 99))
def test_ranks_agree_with_top_k(n, seed):
    rng = np.random.default_rng(seed)
    vectors, queries = unit(rng, n), unit(rng, 4)
    pairs = np.stack([np.arange(4), rng.integers(0, n, 4)], axis=1)
    order, _ = top_k(queries, vectors, n)
    expected = [int(np.flatnonzero(order[i] == j)[0]) + 1 for i, j in pairs]
    np.testing.assert_array_equal(ranks(queries, vectors, pairs), expected)


@pytest.mark.parametrize("n", [40, 6000])
@pytest.mark.parametrize("k", [1, 2, 10])
def test_scores_that_differ_by_rounding_are_ties_in_every_list_and_rank(rng, n, k):
    """Exact ties, ties but for the last digits, and a score that is higher by more."""
    vectors = np.repeat(np.eye(3, dtype=np.float32)[:2], n // 2, axis=0)
    offset = rng.uniform(-4e-7, 4e-7, n).astype(np.float32)  # rounding
    offset[n - 3] = -1e-5
    query = np.array([[0.6, 0.6, 0.5]], np.float32)
    order = [n - 3, *range(n - 3), n - 2, n - 1]
    assert top_k(query, vectors, k, offset=offset)[0].tolist() == [order[:k]]
    pairs = np.column_stack([np.zeros(n, int), np.arange(n)])
    np.testing.assert_array_equal(
        ranks(query, vectors, pairs, offset=offset), 1 + np.argsort(order)
    )


@pytest.mark.parametrize("n", [50, 6000])
def test_fewer_are_the_first_of_more_where_ties_form_a_chain(rng, n):
    """Runs of ties begin with the highest score that is left."""
    scores = (0.5 + 4e-7 * rng.permutation(n)[None]).astype(np.float32)
    scores[0, 7] = 0.9
    whole = select(scores, n)[0][0].tolist()
    left, expected = np.arange(n), []
    while len(left):
        tied = scores[0, left] >= scores[0, left].max() - np.float32(neighbors.TIE)
        expected += left[tied].tolist()
        left = left[~tied]
    assert whole == expected
    for k in range(1, 25):
        assert select(scores, k)[0][0].tolist() == whole[:k]


def test_ranks_are_divided_among_folds(rng):
    vectors, queries = unit(rng, 30), unit(rng, 4)
    pairs, folds = np.column_stack([np.arange(4), np.arange(4)]), np.arange(30) % 3
    counts = preceding(queries, vectors, pairs, folds)
    np.testing.assert_array_equal(1 + counts.sum(axis=1), ranks(queries, vectors, pairs))
    kept = folds != 2
    alone = ranks(queries[:2], vectors[kept], pairs[:2])  # rows 0 and 1 keep their places
    np.testing.assert_array_equal(1 + counts[:2, :2].sum(axis=1), alone)


def test_nearest_gives_rows_of_the_space(rng):
    vectors = unit(rng, 60)
    space = Space(vectors, tuple(map(str, range(60))), 40)
    cross = nearest(space, "text", "image", k=3)
    assert cross.queries.tolist() == list(range(40, 60))
    assert cross.indices.max() < 40
    np.testing.assert_array_equal(cross.indices, obvious(space.texts, space.images, 3)[0])
    within = nearest(space, "text", "text", k=3, q=10)
    assert within.share == 0.5
    assert within.indices.min() >= 40
    assert not (within.indices == within.queries[:, None]).any()


def test_ranked_lists_obey_the_score_bias_and_still_tell_cosines(rng):
    vectors = unit(rng, 60)
    offset = np.where(np.arange(60) == 3, 5.0, 0.1 * rng.random(60)).astype(np.float32)
    space = Space(vectors, tuple(map(str, range(60))), 40, offset=offset)
    ranked = nearest(space, "text", "image", k=39, ranked=True)
    assert not (ranked.indices == 3).any()
    expected, _ = obvious(vectors[40:], vectors[:40], 39, offset[:40])
    np.testing.assert_array_equal(ranked.indices, expected)
    cosines = np.take_along_axis(vectors[40:] @ vectors[:40].T, ranked.indices, axis=1)
    np.testing.assert_allclose(ranked.cosines, cosines, atol=1e-6)
    plain = nearest(space, "text", "image", k=1)
    np.testing.assert_array_equal(plain.indices, obvious(vectors[40:], vectors[:40], 1)[0])
