"""An item that answers everything is named; natural hubs are not, at the stated rate."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import false_discovery_control, nbinom, poisson

from core.improve import corrected
from core.measure.diagnostics import DIAGNOSTICS
from core.numerics.tails import CountLaw, count_law
from tests.fixtures import spaces
from tests.fixtures.findings import find

N, D, VICTIM = 300, 48, 7


def leaning(seed=0, n=N):
    """Pairs that agree; images lean one way and texts another, as encoders make them."""
    good = spaces.paired(n, D, agreement=0.8, seed=seed)
    lean = np.eye(D)[0]
    return spaces.space(good.images + 0.3 * lean, good.texts - 0.3 * lean, good.pairs)


def attacked(given, steps=50):
    """One image moved by gradient ascent on its mean cosine with all texts."""
    rows = given.vectors.astype(np.float64)
    image, texts = rows[VICTIM], rows[given.n_images :]
    for _ in range(steps):
        image = image + texts.mean(axis=0)
        image /= np.linalg.norm(image)
    rows[VICTIM] = image
    return replace(given, vectors=rows.astype(np.float32))


def test_a_planted_attack_is_named_and_nothing_else():
    given = leaning()
    found = find("hub_attack", attacked(given), "joint")
    assert found.value == 1 and found.verdict == "bad"
    assert given.ids[VICTIM] in found.detail
    assert np.nanargmax(found.per_item) == VICTIM
    clean = find("hub_attack", given, "joint")
    assert clean.value == 0 and clean.verdict == "good"
    assert clean.per_item[VICTIM] < found.per_item[VICTIM] / 5


def test_clean_collections_name_an_item_no_more_often_than_the_rate():
    hub_attack, draws, rate = DIAGNOSTICS.get("hub_attack"), 16, 0.05
    named = sum(
        f.value > 0 for seed in range(draws) for f in hub_attack(leaning(seed, 100), rate=rate)
    )
    assert named <= 6  # of 48, with 2.4 expected at most


def test_many_captions_of_one_image_are_one_query():
    of = np.concatenate([np.arange(150), np.zeros(60, int)])
    rows = spaces.directions(150, D, 1)
    texts = rows[of] + 0.4 * spaces.directions(len(of), D, 2)
    pairs = np.column_stack([of, 150 + np.arange(len(of))])
    assert find("hub_attack", spaces.space(rows, texts, pairs), "joint").value == 0
    unrelated = spaces.space(rows, texts, pairs[:150])
    assert find("hub_attack", unrelated, "joint").value > 0


def test_the_ranking_of_search_is_tested_biases_included():
    given = attacked(leaning())
    plain, demoted = (
        find("hub_attack", one, "joint").per_item[VICTIM]
        for one in (given, corrected(given, "dualis"))
    )
    assert demoted < plain / 2


def test_the_law_is_that_of_the_counts_and_not_of_what_is_far_above_them():
    rng = np.random.default_rng(0)
    rates = np.exp(2.0 + 0.5 * rng.standard_normal(4000))
    counts = rng.poisson(rates)
    clean = count_law(counts)
    assert clean.mean == pytest.approx(2.0, abs=0.05)
    assert clean.spread == pytest.approx(0.5, abs=0.05)
    counts[:40] = 5000
    dirty = count_law(counts)
    assert dirty.spread == pytest.approx(clean.spread, abs=0.05)
    assert (false_discovery_control(dirty.tail(counts.astype(float)))[:40] < 1e-9).all()


def test_tails_are_those_of_poisson_without_a_spread_and_heavier_with_it():
    x = np.arange(0, 60, dtype=float)
    assert CountLaw(np.log(8.0), 0.0).tail(x) == pytest.approx(poisson.sf(x - 1, 8.0), abs=1e-12)
    law = CountLaw(np.log(8.0), 0.5)
    mean = np.exp(np.log(8.0) + 0.125)
    size = 1 / np.expm1(0.25)  # the negative binomial of the same mean and variance
    gamma = nbinom.sf(x - 1, size, size / (size + mean))
    assert (law.tail(x)[40:] > gamma[40:]).all()
    assert np.exp(law.log_mass(x)) == pytest.approx(-np.diff(law.tail(np.arange(61.0))), abs=1e-9)


def test_sampled_counts_with_most_at_zero_still_have_a_law():
    counts = np.random.default_rng(1).poisson(0.01, 20_000)
    counts[5] = 200
    law = count_law(counts)
    q = false_discovery_control(law.tail(counts.astype(float)))
    assert (q <= 0.01).nonzero()[0].tolist() == [5]
