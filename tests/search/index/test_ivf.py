"""The nearest cells hold what they are said to hold, and a filter costs no hits."""

import numpy as np
import pytest

from core.numerics.neighbors import top_k as exact
from core.search.engine import search
from core.search.index import ivf as inverted_file_module
from core.search.index import two_bit as sketch
from core.search.index.ivf import ENOUGH, inverted_file, top_k, usable
from core.types.space import Space


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def clustered(rng, n, d=48, clusters=60):
    centres = rng.normal(size=(clusters, d))
    return unit(centres[rng.integers(clusters, size=n)] + 0.6 * rng.normal(size=(n, d)))


def space_of(vectors, n_images=None):
    ids = tuple(f"{i:06}" for i in range(len(vectors)))
    return Space(vectors, ids, len(vectors) if n_images is None else n_images)


@pytest.fixture(scope="module")
def gapped():
    """4,000 pictures and 4,000 texts far from all of them."""
    rng = np.random.default_rng(0)
    images, texts = clustered(rng, 4000), clustered(rng, 4000)
    return space_of(np.concatenate([images, unit(texts + 2 * np.eye(48)[0])]), 4000)


def test_it_finds_the_share_that_it_states(gapped, rng):
    made = inverted_file(gapped)
    assert 0 < made.share < 0.5
    assert made.low <= made.recall <= made.high
    asking = rng.permutation(gapped.n)[:300]
    for kind in ("image", "text"):
        mask = np.zeros(gapped.n, bool)
        mask[gapped.span(kind)] = True
        truth = exact(gapped.vectors[asking], gapped.vectors, 10, mask=mask)[0]
        found = [top_k(gapped, gapped.vectors[row], 10, mask=mask)[0] for row in asking]
        kept = [len(np.intersect1d(a, b)) / 10 for a, b in zip(truth, found, strict=True)]
        assert np.mean(kept) >= ENOUGH - 0.02


def test_looking_at_everything_finds_everything(gapped, rng):
    for query in gapped.vectors[rng.permutation(gapped.n)[:20]]:
        rows, scores = top_k(gapped, query, 10, share=1.0)
        expected = exact(query[None], gapped.vectors, 10)
        np.testing.assert_array_equal(rows, expected[0][0])
        np.testing.assert_allclose(scores, expected[1][0], atol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.2, 0.05, 0.001])
@pytest.mark.parametrize("far", [True, False])
def test_a_filter_costs_no_hits(gapped, share, far):
    query = gapped.vectors[7]
    mask = np.zeros(gapped.n, bool)
    cosines = gapped.vectors @ query
    mask[np.argsort(cosines if far else -cosines)[: round(share * gapped.n)]] = True
    rows, scores = top_k(gapped, query, 10, mask=mask)
    expected = exact(query[None], gapped.vectors, 10, mask=mask)
    np.testing.assert_array_equal(rows, expected[0][0])
    np.testing.assert_allclose(scores, expected[1][0], atol=1e-6)


def test_a_few_barred_rows_are_not_found(gapped):
    mask = np.arange(gapped.n) != 7
    assert usable(gapped, mask)
    assert 7 not in top_k(gapped, gapped.vectors[7], 10, mask=mask)[0]


@pytest.mark.parametrize("n", [1, 2, 30])
def test_small_and_uniform_spaces(n):
    same = space_of(np.tile(np.eye(8, dtype=np.float32)[0], (n, 1)))
    rows, scores = top_k(same, same.vectors[0], 10)
    assert rows.tolist() == list(range(min(n, 10)))
    np.testing.assert_allclose(scores, 1)


def test_nothing_allowed_is_nothing_found(gapped):
    rows, scores = top_k(gapped, gapped.vectors[0], 10, mask=np.zeros(gapped.n, bool))
    assert len(rows) == len(scores) == 0


def test_a_filter_needs_no_cells(monkeypatch, rng):
    """What it leaves is searched exactly, and the answer says so."""
    monkeypatch.setattr(sketch, "PAYS", 1)
    space = space_of(clustered(rng, 900))
    monkeypatch.setattr(inverted_file_module, "centres_of", None)  # nothing to make cells with
    mask = np.arange(space.n) < 500
    narrow = search(space, space.vectors[5], kinds=("image",), mask=mask, nearly=True)
    assert narrow.hits[0].row == 5
    assert "exactly" in narrow.how


def test_search_says_where_it_looked_and_how_much_that_finds(monkeypatch, gapped):
    monkeypatch.setattr(sketch, "PAYS", 1)
    answer = search(gapped, gapped.vectors[4100], kinds=("image", "text"), nearly=True)
    assert [hit.rank for hit in answer.hits[:1]] == [1]
    assert answer.hits[0].id == gapped.ids[4100]
    assert "cells nearest to the query" in answer.how
    assert f"{inverted_file(gapped).recall:.1%}" in answer.how
    assert "exactly" in search(gapped, gapped.vectors[4100]).how


def test_with_a_bias_the_search_stays_exact(monkeypatch, gapped, rng):
    monkeypatch.setattr(sketch, "PAYS", 1)
    biased = gapped.biased((0.05 * rng.normal(size=gapped.n)).astype(np.float32), "step")
    answer = search(biased, gapped.vectors[4100], nearly=True)
    expected = exact(gapped.vectors[4100][None], gapped.vectors, 24, offset=biased.offset)[0][0]
    assert [hit.row for hit in answer.hits] == expected.tolist()
    assert "exactly" in answer.how
