"""The approximate index finds the share that it states; a filter costs no results."""

from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest
import torch

from core.numerics.neighbors import top_k as exact
from core.search.index import faiss_ivf
from core.search.index.faiss_ivf import TARGET, indexes, ivf_index, top_k
from core.types.space import Space


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def clustered(rng, n, d=48, clusters=60):
    centers = rng.normal(size=(clusters, d))
    return unit(centers[rng.integers(clusters, size=n)] + 0.6 * rng.normal(size=(n, d)))


def space_of(vectors, n_images=None):
    ids = tuple(f"{i:06}" for i in range(len(vectors)))
    return Space(vectors, ids, len(vectors) if n_images is None else n_images)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Index collections of the size of a test."""
    monkeypatch.setattr(faiss_ivf, "FEWEST", 400)
    monkeypatch.setattr(faiss_ivf, "QUERIES", 200)


@pytest.fixture(scope="module")
def gapped():
    """4,000 images and 4,000 texts far from all of them."""
    rng = np.random.default_rng(0)
    images, texts = clustered(rng, 4000), clustered(rng, 4000)
    return space_of(np.concatenate([images, unit(texts + 2 * np.eye(48)[0])]), 4000)


@pytest.mark.parametrize("kind", ["image", "text"])
def test_recall_is_what_it_states(gapped, rng, kind):
    built = ivf_index(gapped, kind)
    assert 0 < built.nprobe < built.lists
    assert built.low <= built.recall <= built.high
    assert built.recall >= TARGET - 0.005
    mask = np.zeros(gapped.n, bool)
    mask[gapped.span(kind)] = True
    rows = rng.permutation(gapped.n)[:300]
    truth = exact(gapped.vectors[rows], gapped.vectors, 10, mask=mask)[0]
    found = [top_k(gapped, gapped.vectors[row], 10, mask=mask)[0] for row in rows]
    shares = [np.isin(a, b).mean() for a, b in zip(truth, found, strict=True)]
    assert np.mean(shares) >= TARGET - 0.01


def test_scores_are_exact_cosines_in_order(gapped):
    rows, scores = top_k(gapped, gapped.vectors[7], 50)
    assert rows[0] == 7
    assert len(rows) == 50
    assert (np.diff(scores) <= 0).all()
    np.testing.assert_allclose(scores, gapped.vectors[rows] @ gapped.vectors[7], atol=1e-6)


@pytest.mark.parametrize("share", [1.0, 0.1, 0.01, 0.0001])
@pytest.mark.parametrize("far", [True, False])
def test_a_filter_costs_no_results(gapped, share, far):
    query = gapped.vectors[7]
    cosines = gapped.vectors @ query
    mask = np.zeros(gapped.n, bool)
    mask[np.argsort(cosines if far else -cosines)[: round(share * gapped.n)]] = True
    rows, scores = top_k(gapped, query, 10, mask=mask)
    expected, values = exact(query[None], gapped.vectors, 10, mask=mask)
    if share == 1:
        assert np.isin(rows, expected[0]).mean() >= 0.9
    else:
        np.testing.assert_array_equal(rows, expected[0])
        np.testing.assert_allclose(scores, values[0], atol=1e-6)


def test_a_few_excluded_rows_are_not_found(gapped):
    mask = np.ones(gapped.n, bool)
    mask[[7, *range(100, 300), 4100]] = False
    assert set(indexes(gapped, mask)) == {"image", "text"}
    for row in (7, 150, 4100):
        rows = top_k(gapped, gapped.vectors[row], 100, mask=mask)[0]
        assert len(rows) == 100
        assert mask[rows].all()


def test_a_kind_with_few_rows_is_searched_exactly(rng):
    """Its rows come with those of the indexed kind."""
    space = space_of(clustered(rng, 2300), 2000)
    assert set(indexes(space, np.ones(space.n, bool))) == {"image"}
    query = space.vectors[2100]
    rows = top_k(space, query, 300)[0]
    expected = exact(query[None], space.vectors, 300)[0][0]
    assert set(expected[expected >= 2000]) <= set(rows)
    texts = np.arange(space.n) >= 2000
    assert not indexes(space, texts)
    rows, _ = top_k(space, query, 10, mask=texts)
    np.testing.assert_array_equal(rows, exact(query[None], space.vectors, 10, mask=texts)[0][0])


@pytest.mark.parametrize("n", [1, 2, 30])
def test_small_spaces_are_searched_exactly_and_ties_are_ordered_by_row(n):
    same = space_of(np.tile(np.eye(8, dtype=np.float32)[0], (n, 1)))
    rows, scores = top_k(same, same.vectors[0], 10)
    assert rows.tolist() == list(range(min(n, 10)))
    np.testing.assert_allclose(scores, 1)


def test_ties_among_the_candidates_are_ordered_by_row(rng):
    vectors = clustered(rng, 1000)
    vectors[[900, 20, 500]] = vectors[3]
    assert top_k(space_of(vectors), vectors[3], 4)[0].tolist() == [3, 20, 500, 900]


def test_a_space_of_equal_rows_is_searched():
    same = space_of(np.tile(np.eye(8, dtype=np.float32)[0], (600, 1)))
    rows, scores = top_k(same, same.vectors[0], 5)
    assert len(set(rows.tolist())) == 5
    np.testing.assert_allclose(scores, 1)


def test_nothing_allowed_is_nothing_found(gapped):
    rows, scores = top_k(gapped, gapped.vectors[0], 10, mask=np.zeros(gapped.n, bool))
    assert len(rows) == len(scores) == 0


def test_where_no_number_of_lists_is_enough_the_search_is_exact(monkeypatch, rng):
    monkeypatch.setattr(faiss_ivf, "CANDIDATES", (1,))
    # Nearly equal rows: 2-bit codes cannot rank them, and 44 of 2,000 candidates are too few.
    space = space_of(unit(np.eye(64)[0] + 1e-5 * rng.normal(size=(2000, 64))))
    assert not indexes(space, np.ones(space.n, bool))
    query = unit(space.vectors[5] + 1e-5 * rng.normal(size=64))
    np.testing.assert_array_equal(
        top_k(space, query, 10)[0], exact(query[None], space.vectors, 10)[0][0]
    )


def test_the_index_is_the_same_each_time(rng):
    space = space_of(clustered(rng, 3000))
    one, two = (ivf_index.__wrapped__(space, "image") for _ in range(2))
    assert (one.nprobe, one.recall) == (two.nprobe, two.recall)
    np.testing.assert_array_equal(
        faiss.serialize_index(one.index), faiss.serialize_index(two.index)
    )


def test_threads_find_the_same_and_torch_keeps_its_threads(gapped):
    before = torch.get_num_threads()
    queries = gapped.vectors[:200]
    alone = [top_k(gapped, query, 10)[0] for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: top_k(gapped, query, 10)[0], queries))
    np.testing.assert_array_equal(alone, together)
    assert torch.get_num_threads() == before


def test_it_takes_less_than_a_quarter_of_the_memory(rng):
    space = space_of(clustered(rng, 2000, d=128))
    index = faiss.serialize_index(ivf_index(space, "image").index)
    rotation_and_centers = 4 * 128 * (128 + ivf_index(space, "image").lists)
    # Lists this short are padded.
    assert len(index) - rotation_and_centers < space.vectors.nbytes / 4
