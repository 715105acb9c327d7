"""Two rankings become one, and what must not matter does not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.search.ranking import fuse


def ranking(rng, n, among=50):
    rows = rng.choice(among, n, replace=False)
    return rows, np.sort(rng.normal(size=n))[::-1]


def test_a_row_that_is_first_in_both_gets_two_sixty_firsts():
    rows, scores = fuse(
        [(np.array([4, 2]), np.array([1.0, 0])), (np.array([4]), np.array([9.0]))], "rrf"
    )
    assert rows.tolist() == [4, 2]
    assert scores.tolist() == pytest.approx([2 / 61, 1 / 62])


@settings(max_examples=50)
@given(st.integers(0, 999), st.integers(1, 30), st.integers(1, 30))
def test_what_must_not_matter(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = ranking(rng, n), ranking(rng, m)
    for how in ("rrf", "sum"):
        twice, _ = fuse([a, a], how)
        assert twice.tolist() == a[0].tolist()
        rows, scores = fuse([a, b], how)
        assert set(rows.tolist()) == set(a[0].tolist()) | set(b[0].tolist())
        other, same = fuse([b, a], how)
        by_row = dict(zip(other.tolist(), same, strict=True))
        assert [by_row[r] for r in rows.tolist()] == pytest.approx(scores.tolist())
        stretched, again = fuse([a, (b[0], 7 * b[1] - 40)], how)
        assert again.tolist() == pytest.approx(scores.tolist(), abs=1e-9)
        np.testing.assert_array_equal(np.sort(stretched), np.sort(rows))
    bent, scores = fuse([a, (b[0], np.exp(b[1]))], "rrf")
    np.testing.assert_array_equal(bent, fuse([a, b], "rrf")[0])


def test_scores_that_are_all_the_same_decide_nothing():
    flat = np.array([1, 2, 3]), np.full(3, 0.1)
    clear = np.array([3, 2, 1]), np.array([3.0, 2, 1])
    assert fuse([flat, clear], "sum")[0].tolist() == [3, 2, 1]


def test_an_empty_ranking_leaves_the_other_as_it_is():
    nothing = np.empty(0, np.int64), np.empty(0)
    some = np.array([8, 1]), np.array([0.9, 0.2])
    for how in ("rrf", "sum"):
        assert fuse([some, nothing], how)[0].tolist() == [8, 1]
        assert len(fuse([nothing, nothing], how)[0]) == 0
