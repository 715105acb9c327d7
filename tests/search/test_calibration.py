"""P(match) is calibrated on queries with known matches, and says how well."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from core.encoders import load
from core.search.calibration import bundled, calibrate, from_json
from core.search.known_matches import KnownMatches
from core.search.match_estimate import estimate_matches
from tests.fixtures.spaces import unit

D, ITEMS, QUERIES = 48, 600, 160


def known(rng, strength=0.6, queries=QUERIES):
    """Subjects as queries, each shown by 1 to 40 items to a varying degree; some show nothing."""
    subjects = unit(rng.normal(size=(queries, D)))
    matches = rng.random((queries, ITEMS)) < rng.uniform(0.002, 0.07, (queries, 1))
    shown = strength * rng.uniform(0.4, 1.6, matches.shape) * matches
    items = unit(unit(rng.normal(size=(ITEMS, D))) + shown.T @ subjects)
    none = np.zeros(matches.shape, bool)
    return KnownMatches(subjects, matches, none, none), items


@pytest.fixture
def fitted(rng):
    queries, items = known(rng)
    return calibrate(queries, items, "subjects"), queries, items


def test_fresh_queries_are_kept_and_rejected_as_said(fitted, rng):
    fit, _, _ = fitted
    fresh, items = known(rng)
    level = fit.level(0.2)
    cosines = fresh.vectors @ items.T
    has = fresh.matches.any(axis=1)
    best = cosines[has].max(axis=1)
    rest = np.where(fresh.matches, -1, cosines)[has].max(axis=1)
    kept = np.mean([fit.p_query(x, ITEMS) >= level for x in best])
    rejected = np.mean([fit.p_query(x, ITEMS) < level for x in rest])
    assert 0.72 < kept < 0.88
    assert rejected == pytest.approx(fit.rejected(level), abs=0.1)
    assert fit.area == pytest.approx((best[:, None] > rest).mean(), abs=0.06)


def test_bands_and_counts_hold_for_fresh_queries(fitted, rng):
    fit, _, _ = fitted
    fresh, items = known(rng)
    shares, inside, covered = {band: [] for band in ("strong", "likely", "unlikely")}, [], []
    for vector, matches in zip(fresh.vectors, fresh.matches, strict=True):
        cosines = items @ vector
        found = estimate_matches(fit, cosines, ITEMS, float(cosines.max()), 0.2)
        if found.no_match:
            continue
        for cosine, match in zip(cosines, matches, strict=True):
            shares[found.band(cosine)].append(match)
        inside.append(0.5 <= (found.expected + 1) / (matches.sum() + 1) <= 2)
        covered.append(found.low <= matches.sum() <= found.high)
    for share, band in zip(fit.bands, shares, strict=True):
        assert np.mean(shares[band]) == pytest.approx(share, abs=0.1)
    assert np.mean(inside) > 0.65
    assert 0.68 < np.mean(covered) < 0.95


@pytest.mark.parametrize(
    ("expected", "words"),
    [(0.34, "0.3"), (1.46, "1"), (7.46, "7"), (7.6, "8"), (12.46, "12"), (187, "190")],
)
def test_the_number_of_matches_is_rounded_once(fitted, expected, words):
    fit, queries, items = fitted
    cosines = items @ queries.vectors[0]
    found = estimate_matches(fit, cosines, ITEMS, float(cosines.max()), 0.2)
    numbered = replace(found, expected=expected, low=expected, high=expected)
    assert numbered.number.startswith(f"about {words} matches expected ({words} to {words})")


def test_a_query_below_the_level_matches_nothing(fitted):
    fit, queries, items = fitted
    cosines = items @ queries.vectors[0]
    low = np.minimum(cosines, np.float32(np.quantile(cosines, 0.9)))
    found = estimate_matches(fit, low, ITEMS, float(low.max()), 0.2)
    assert found.no_match
    assert (found.matches, found.counts) == (0, (0, 0, ITEMS))
    assert found.band(float(low.max())) == "unlikely"
    assert "probably no match" in found.sentence
    assert len(found.sentence) < 220


def test_the_best_hit_of_a_query_that_matches_is_likely_at_least(fitted):
    fit, queries, items = fitted
    for vector in queries.vectors:
        cosines = items @ vector
        found = estimate_matches(fit, cosines, ITEMS, float(cosines.max()), 0.2)
        assert found.no_match or found.band(float(cosines.max())) in ("strong", "likely")
        assert found.low <= found.expected <= found.high
        assert sum(found.counts) == ITEMS
        assert len(found.sentence) < 220


def test_a_higher_miss_rate_rejects_more(fitted):
    fit, _, _ = fitted
    levels = [fit.level(miss) for miss in (0.05, 0.2, 0.5)]
    assert levels == sorted(levels)
    rejected = [fit.rejected(level) for level in levels]
    assert rejected == sorted(rejected)


def test_a_higher_miss_rate_moves_the_cutoff_up(fitted):
    fit, queries, items = fitted
    cosines = items @ queries.vectors[0]
    best = float(cosines.max())
    misses = (0.05, 0.2, 0.5)
    found = [estimate_matches(fit, cosines, ITEMS, best, miss) for miss in misses]
    cutoffs = found[0].cutoffs(misses)
    assert cutoffs == sorted(cutoffs)
    assert cutoffs == [each.cutoff for each in found]
    blind = estimate_matches(replace(fit, area=0.5), cosines, ITEMS, best, 0.2)
    assert blind.cutoffs(misses) == []


def test_where_the_best_cosine_tells_nothing_there_is_no_verdict(rng):
    queries, items = known(rng, strength=0.0)
    fit = calibrate(queries, items, "subjects")
    assert abs(fit.area - 0.5) < 0.1
    blind = replace(fit, area=0.5)
    cosines = items @ queries.vectors[0]
    found = estimate_matches(blind, cosines, ITEMS, float(cosines.max()), 0.2)
    assert not found.no_match
    assert np.isnan(found.p)
    assert "P(match) is not shown" in found.sentence


def test_where_matches_are_less_similar_nothing_is_calibrated(rng):
    """Bands would be upside down: the most similar items unlikely, all others strong."""
    queries, items = known(rng, strength=-0.6)
    assert calibrate(queries, items, "subjects") is None


def test_where_a_higher_best_cosine_makes_a_match_no_likelier_there_is_no_verdict(fitted):
    fit, queries, items = fitted
    cosines = items @ queries.vectors[0]
    falling = replace(fit, query=(4.0, -5.0, 0.0))
    found = estimate_matches(falling, cosines, ITEMS, float(cosines.max()), 0.2)
    assert np.isnan(found.p) and not found.no_match
    assert found.cutoffs([0.05, 0.2]) == []
    assert found.matches > 0


def test_few_queries_or_items_calibrate_nothing(rng):
    queries, items = known(rng)
    assert calibrate(queries.take(np.arange(19)), items, "") is None
    few = KnownMatches(
        queries.vectors, queries.matches[:, :30], queries.unclear[:, :30], queries.excluded[:, :30]
    )
    assert calibrate(few, items[:30], "") is None
    fit = calibrate(queries, items, "")
    assert estimate_matches(fit, items[:39] @ queries.vectors[0], 39, 0.5, 0.2) is None
    same = np.full(60, 0.3, np.float32)
    assert estimate_matches(fit, same, 60, 0.3, 0.2) is None


def test_excluded_and_unclear_items_do_not_count(rng):
    queries, items = known(rng)
    excluded = np.zeros(queries.matches.shape, bool)
    excluded[:, :5] = True
    first = items.copy()
    first[:5] = queries.vectors[:5]  # as similar as can be, but never found
    with_them = calibrate(replace(queries, excluded=excluded), first, "")
    without = calibrate(replace(queries, excluded=excluded), items, "")
    assert with_them.query == pytest.approx(without.query, abs=1e-6)


def test_a_calibration_is_stored_as_json(fitted):
    fit, _, _ = fitted
    assert from_json(json.loads(json.dumps(asdict(fit)))) == fit


def test_the_starter_comes_with_a_table_for_its_own_weights_alone():
    passport = load("starter").passport
    table = bundled(passport)
    assert set(table) == {"short text, image", "long text, image", "image, image"}
    assert all(fit.area > 0.5 and fit.query[1] > 0 and fit.item[1] > 0 for fit in table.values())
    assert bundled(replace(passport, weights="others")) == {}
    assert bundled(replace(passport, model="another")) == {}


def test_numbers_do_not_carry_over_from_another_collection(fitted):
    fit, queries, items = fitted
    cosines = items @ queries.vectors[0]
    found = estimate_matches(replace(fit, own=False), cosines, ITEMS, float(cosines.max()), 0.2)
    assert np.isnan([found.expected, found.low, found.high, *found.probabilities(cosines)]).all()
    assert "nan" not in found.sentence
    assert "expected" not in found.sentence
    assert not any(one.own for one in bundled(load("starter").passport).values())
