"""Moments, and the error of what follows from their eigenvalues."""

import numpy as np
import pytest

from core.numerics.sampling import jackknife
from core.numerics.spectra import Moments, moments_of, rankme, spectrum_error
from core.numerics.stats import folds
from tests.fixtures.spaces import space


def test_pooled_moments_are_those_of_all_rows(rng):
    parts = [rng.standard_normal((n, 8)) + rng.standard_normal(8) for n in (5, 40, 300)]
    pooled = Moments(0, np.zeros(8), np.zeros((8, 8)))
    for rows in parts:
        pooled = pooled.merged(moments_of(rows))
    direct = np.cov(np.concatenate(parts).T, bias=True)
    np.testing.assert_allclose(pooled.covariance, direct, atol=1e-12)


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize(("n", "d", "tolerance"), [(20, 32, 1e-6), (60, 8, 1e-6), (400, 8, 0.05)])
def test_the_error_of_a_spectrum_is_that_of_leaving_out_images(n, d, tolerance, centered):
    """Fewer rows than dimensions, some more, and so many that eigenvalues are linear in rows."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((n // 2, d)) * np.linspace(2, 0.2, d)
    texts = images.repeat(2, axis=0) + rng.standard_normal((n // 2 * 2, d))
    of = np.arange(n) // 2
    given = space(images, texts, np.column_stack([of, n // 2 + np.arange(n)]))
    fold = folds(of, count=20)
    rows = given.texts.astype(np.float64)

    def rank(x):
        x = x - x.mean(axis=0) if centered else x
        return rankme(np.linalg.svd(x, compute_uv=False) ** 2)

    without = np.array([rank(rows[fold != k]) for k in range(fold.max() + 1)])
    expected = jackknife(rank(rows), without, np.bincount(fold))
    # Which images share a fold is drawn: the order of the groups' numbers is the same.
    found = spectrum_error(given, "text", rankme, centered=centered)
    assert found == pytest.approx(expected, rel=max(tolerance, 1e-3))


def test_a_spectrum_of_few_images_has_no_error(rng):
    few = space(rng.standard_normal((9, 4)), rng.standard_normal((9, 4)))
    assert np.isnan(spectrum_error(few, "image", rankme, centered=True))
