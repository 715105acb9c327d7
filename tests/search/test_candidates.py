"""Candidates by every cosine, in two steps, and by the approximate index."""

from dataclasses import replace

import numpy as np
import pytest

from core.improve import compressed, fit_way, parse_way
from core.numerics.neighbors import precede, top_k
from core.search import candidates
from core.search.candidates import find_candidates
from core.search.engine import run, search
from core.search.index import compressed as compressed_index
from core.search.index import faiss_ivf, two_bit
from core.search.index.compressed import CodeIndex
from core.search.index.faiss_ivf import ivf_index
from core.search.plan import SearchPlan
from core.store.rows_file import mapped
from core.types.space import Space
from tests.fixtures import spaces
from tests.fixtures.calibrated import FITTED

KINDS = ("image", "text")
FEW = replace(FITTED, query=(0.0, 1.0, 0.0), item=(-10.0, 2.0, 0.0))  # strong from 5 sd


@pytest.fixture
def indexed(monkeypatch):
    """Two steps and an index whatever the size."""
    monkeypatch.setattr(two_bit, "PAYS", 1)
    monkeypatch.setattr(faiss_ivf, "FEWEST", 400)
    monkeypatch.setattr(faiss_ivf, "QUERIES", 200)


@pytest.fixture(scope="module")
def clustered():
    """Both kinds in the same clusters."""
    return spaces.clustered(spaces.directions(20, 32), [50] * 20, noise=0.5)


def test_approximate_candidates_come_with_the_recall_of_the_worse_index(indexed, clustered):
    query, allowed = clustered.vectors[1100], np.ones(clustered.n, bool)
    found = find_candidates(clustered, query, allowed, KINDS, 10, approximate=True)
    assert found.rows[0] == 1100
    worst = min(ivf_index(clustered, kind).recall for kind in KINDS)
    assert found.how.startswith(f"Approximate search (IVF) of 2,000 items: recall@10 {worst:.1%}")
    exact = find_candidates(clustered, query, allowed, KINDS, 10)
    assert exact.how.startswith("Exact search of 2,000 items in two steps")


def test_with_a_filter_no_index_is_built_and_the_search_is_exact(indexed, clustered, monkeypatch):
    monkeypatch.setattr(faiss_ivf, "ivf_index", None)
    allowed = np.arange(clustered.n) < 500
    found = find_candidates(
        clustered, clustered.vectors[5], allowed, ("image",), 10, approximate=True
    )
    assert found.rows[0] == 5
    assert found.how.startswith("Exact")


def test_with_a_bias_the_search_is_exact(indexed, clustered, rng):
    biased = clustered.biased((0.05 * rng.normal(size=clustered.n)).astype(np.float32), "step")
    query, allowed = clustered.vectors[1100], np.ones(clustered.n, bool)
    found = find_candidates(biased, query, allowed, KINDS, 24, approximate=True)
    expected = top_k(query[None], clustered.vectors, 24, offset=biased.offset)[0][0]
    np.testing.assert_array_equal(found.rows, expected)
    assert found.how.startswith("Exact")


@pytest.mark.parametrize("how", ["two steps", "codes"])
def test_what_is_said_of_cosines_does_not_depend_on_a_bias(clustered, monkeypatch, rng, how):
    """Ranks by cosine alone and the highest cosine, also of a kind that is not among the hits."""
    monkeypatch.setattr(candidates, "SAMPLE", 50)
    vectors = clustered.vectors + 0.8 * (np.arange(clustered.n) >= clustered.n_images)[:, None]
    apart = spaces.space(vectors[: clustered.n_images], vectors[clustered.n_images :])
    bias = np.where(rng.random(apart.n) < 0.5, 0.3, 0).astype(np.float32)
    query, allowed = apart.vectors[1100], np.ones(apart.n, bool)
    cosines = apart.vectors @ query
    codes = None
    if how == "codes":
        way = parse_way("float16")
        codes = CodeIndex(compressed(apart, fit_way(apart, way), way), 500, "Codes.")
    else:
        monkeypatch.setattr(two_bit, "PAYS", 1)
    for space in apart, apart.biased(bias, "step"):
        found = find_candidates(space, query, allowed, KINDS, 24, codes=codes)
        assert (found.rows >= apart.n_images).all()
        own = found.cosines(found.rows)
        exact = 1 + precede(np.tile(cosines, (len(own), 1)), own, found.rows).sum(axis=1)
        assert [found.rank(*each) for each in zip(found.rows, own, strict=True)] == exact.tolist()
        for kind in KINDS:
            highest = cosines[apart.span(kind)].max()
            assert found.highest[kind] == pytest.approx(highest, abs=1e-6)


def test_a_large_collection_is_searched_as_a_small_one(rng, monkeypatch):
    """The same hits in two steps, and a null distribution from a sample that agrees."""
    n = 60_000
    vectors = spaces.space(2 * np.eye(32)[0] + rng.normal(size=(n, 32)) / np.arange(1, 33)).vectors
    offset = (0.02 * rng.normal(size=n)).astype(np.float32)
    mask = rng.random(n) < 0.9
    plain = Space(vectors, tuple(map(str, range(n))), n // 2)
    for space in plain, plain.biased(offset, "step"):
        whole = search(space, vectors[9], k=30, mask=mask, exclude=np.array([9]))
        monkeypatch.setattr(two_bit, "PAYS", 1)
        quick = search(space, vectors[9], k=30, mask=mask, exclude=np.array([9]))
        monkeypatch.undo()
        assert [h.id for h in quick.hits] == [h.id for h in whole.hits]
        assert [h.plain_rank for h in quick.hits] == [h.plain_rank for h in whole.hits]
        assert quick.n == whole.n
        for kind in KINDS:
            assert quick.nulls[kind].mean == pytest.approx(whole.nulls[kind].mean, abs=0.01)
            assert quick.nulls[kind].sd == pytest.approx(whole.nulls[kind].sd, rel=0.05)
            assert quick.counts[kind].sum() == pytest.approx(whole.counts[kind].sum(), rel=0.01)
        assert "two steps" in quick.how
        assert "all" in whole.how


@pytest.mark.parametrize("how", ["two steps", "biased", "codes"])
@pytest.mark.parametrize("filtered", [False, True])
def test_matches_that_no_sample_holds_are_counted(monkeypatch, rng, how, filtered):
    """Of both kinds, where all of the best are of one; the numbers are those of the hits."""
    monkeypatch.setattr(candidates, "SAMPLE", 200)
    vectors = rng.normal(size=(4000, 64))
    vectors[[5, 6, 1900, 3000, 3001, 3002]] = 6 * vectors[5] + rng.normal(size=(6, 64))
    sides = np.eye(64)[0] * 0.5, np.eye(64)[0] * 2
    space = spaces.space(vectors[:2000] + sides[0], vectors[2000:] + sides[1])
    query = spaces.unit(vectors[5] + 40 * np.eye(64)[0])
    mask = rng.random(4000) < (0.5 if filtered else 1)
    mask[[5, 6, 1900, 3000, 3001]] = True
    mask[3002] = not filtered
    exact = run(SearchPlan(space, query, mask=mask, calibrations=dict.fromkeys(KINDS, FEW)))
    monkeypatch.setattr(two_bit, "PAYS", 1)
    codes = None
    if how == "codes":
        way = parse_way("float16")
        codes = CodeIndex(compressed(space, fit_way(space, way), way), 500, "Codes.")
    if how == "biased":
        space = space.biased(np.where(np.arange(4000) % 3, 0, 0.1).astype(np.float32), "step")
    for kinds in KINDS, ("image",), ("text",):
        plan = SearchPlan(
            space, query, k=12, kinds=kinds, mask=mask, codes=codes,
            calibrations=dict.fromkeys(KINDS, FEW),
        )  # fmt: skip
        found = run(plan)
        for kind in kinds:
            matches = 3 - (kind == "text" and filtered)
            estimate, own = found.estimates[kind], np.flatnonzero(mask & (space.kinds == kind))
            assert estimate.matches == exact.estimates[kind].matches == matches
            each = estimate.probabilities(space.vectors[own] @ query)
            assert estimate.expected == pytest.approx(each.sum(), rel=0.02)
            assert found.counts[kind].sum() == pytest.approx(exact.counts[kind].sum(), abs=1)
        assert found.matches >= sum(hit.match for hit in found.hits)
        assert f"{estimate.counts[0]:,} strong" in found.sentence


@pytest.mark.parametrize("share", [0, 0.01, 0.9, 1])
def test_vectors_on_disk_are_searched_like_those_in_memory(
    clustered, tmp_path, rng, monkeypatch, share
):
    """By kept codes whose shortlist is large enough: the exact list, and a null from a sample."""
    monkeypatch.setattr(compressed_index, "BLOCK", 300)
    path = tmp_path / "rows.f32"
    clustered.vectors.tofile(path)
    stored = mapped(path, "key", clustered.n, clustered.d)
    on_disk = replace(clustered, vectors=stored.rows, stored=stored)
    assert on_disk.on_disk
    way = parse_way("rabitq:bits=2")
    codes = CodeIndex(compressed(clustered, fit_way(clustered, way), way), 500, "Codes.")
    query, allowed = clustered.vectors[1100], rng.random(clustered.n) < share
    found = find_candidates(on_disk, query, allowed, KINDS, 24, codes=codes)
    expected = find_candidates(clustered, query, allowed, KINDS, 24)
    np.testing.assert_array_equal(found.rows, expected.rows)
    assert {kind: len(values) for kind, values in found.background.items()} == expected.sizes
    for kind, values in found.background.items():
        own = expected.background[kind]
        np.testing.assert_allclose(np.sort(values), np.sort(own), atol=1e-6)
