"""Moments and the influence of rows on eigenvalues."""

import numpy as np
import pytest

from core.numerics.spectra import Moments, eigen_influence, moments, moments_of
from tests.fixtures.spaces import space


def test_pooled_moments_are_those_of_all_rows(rng):
    parts = [rng.standard_normal((n, 8)) + rng.standard_normal(8) for n in (5, 40, 300)]
    pooled = Moments(0, np.zeros(8), np.zeros((8, 8)))
    for rows in parts:
        pooled = pooled.merged(moments_of(rows))
    direct = np.cov(np.concatenate(parts).T, bias=True)
    np.testing.assert_allclose(pooled.covariance, direct, atol=1e-12)


def test_the_influence_of_a_row_is_the_change_without_it():
    shape = np.linspace(2, 0.2, 8)
    given = space(np.random.default_rng(0).standard_normal((400, 8)) * shape)
    m = moments(given, "image")
    slopes = np.linspace(1, 2, 8)
    moved = eigen_influence(m, given.images, slopes, centered=True)
    moved -= moved.mean()
    for row in (0, 7):
        without = moments_of(np.delete(given.images, row, axis=0)).centered_eigen[0] @ slopes
        change = (m.centered_eigen[0] @ slopes - without) * 400
        assert change == pytest.approx(moved[row], rel=0.05, abs=0.01)
