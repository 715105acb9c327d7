"""The multi-vector benchmark: its ways on synthetic items."""

import numpy as np
import pytest

from core.numerics.multivector import best_matches
from tests.bench import multivector
from tests.bench.multivector.clouds import synthetic
from tests.bench.multivector.ways import exact, ways


@pytest.fixture(scope="module")
def known():
    return synthetic(120, 16, 12, 20)


@pytest.mark.slow
def test_every_way_scores_every_item_and_counts_its_bytes(known):
    queries, items = known.captions, known.images
    sizes = {}
    for name, way in ways(known.text_mean, known.patch_mean).items():
        ask, sizes[name] = way(items)
        scores = ask(queries)
        assert scores.shape == (20, 120)
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(ask(queries.one(3)), scores[3:4], atol=1e-5)
    assert sizes["single vector"] == 16 * 4
    assert sizes["exact multi-vector"] == 12 * 16 * 2
    assert sizes["4 vectors"] <= 4 * 16 * 2
    expected = [best_matches(w, items.parts).mean(axis=1) for w in queries.parts]
    np.testing.assert_array_equal(exact(items)(queries), expected)


def test_rows_report_what_was_measured(known):
    rows = list(multivector._costs("synthetic", known))
    assert [row["name"] for row in rows][:2] == [
        "synthetic: single vector",
        "synthetic: single + MaxSim rerank",
    ]
    by_name = {row["name"].partition(": ")[2]: row for row in rows}
    assert by_name["exact multi-vector"]["recall"] == 1
    assert by_name["single vector"]["ratio"] == 1
    for row in rows:
        assert set(row) == {
            "name", "n", "d", "value", "unit", "baseline", "ratio", "recall", "note"
        }  # fmt: skip
        assert row["value"] > 0
        assert "bytes an item" in row["note"]


def test_planted_results_are_found_by_exact_matching():
    known = synthetic(120, 64, 12, 20)
    scores = exact(known.images)(known.captions)
    own = scores[np.arange(20), known.owner][:, None]
    assert ((scores > own).sum(axis=1) == 0).mean() > 0.9


@pytest.mark.slow
def test_recall_is_reported_for_both_directions():
    rows = list(multivector._recall("synthetic", synthetic(40, 16, 12, 40)))
    for way in ("text to image", "image to text"):
        own = [row for row in rows if way in row["name"]]
        assert len(own) == 4 * len(ways(*np.zeros((2, 16))))  # metrics and ways
        assert all(0 <= row["value"] <= 100 for row in own)


def test_reading_the_store_is_timed(known):
    row = multivector._stored(known.images, hits=50)
    assert row["unit"] == "ms"
    assert row["value"] > 0
