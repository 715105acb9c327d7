"""The 95% intervals cover the true value in 90 of 100 draws, or there is no interval.

One diagnostic: `pytest tests/measure/test_interval_coverage.py -m slow -k effective_rank`.

The share of a finite number of draws is itself uncertain: a test fails where an interval that
covers 90% would cover as few with a probability below 1%.
"""

import pytest
from scipy.stats import binom

from tests.fixtures.coverage import ALL, SHOWN, coverage, false_alarms
from tests.fixtures.populations import POPULATIONS

SIZES = {24: 200, 159: 200, 300: 100, 1200: 50}  # images: draws


def check(name, population, n, draws):
    found = coverage(name, POPULATIONS[population], n, draws)
    low = {
        scope: f"{c.covered} of {c.intervals}, width {c.width:.3g}, spread {c.spread:.3g}"
        for scope, c in found.items()
        if c.too_low
    }
    assert not low
    return found


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("name", ALL)
def test_intervals_cover(name, population, n):
    if not check(name, population, n, SIZES[n]):
        pytest.skip("not measured on this population")


@pytest.mark.parametrize("n", [24, pytest.param(159, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SHOWN)
def test_intervals_of_small_collections_cover(name, n):
    assert check(name, "classes", n, 30)


@pytest.mark.parametrize("n", [24, pytest.param(159, marks=pytest.mark.slow)])
def test_lengths_that_do_not_matter_are_rarely_significant(n):
    """Positive correlations, at 5% on two sides; lengths depend on the image."""
    assert false_alarms(POPULATIONS["captions"], n, 100) <= binom.ppf(0.99, 100, 0.025)
