"""Centered rows."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from core.numerics.centering import centered, mean_cosine_of
from tests.fixtures import spaces


def test_centered_rows_are_unit_rows_around_zero():
    given = spaces.gap(n=200, d=16, size=1.5)
    left = centered(given, "joint")
    np.testing.assert_allclose(np.linalg.norm(left, axis=1), 1, atol=1e-5)
    x = given.images - given.images.mean(axis=0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    np.testing.assert_allclose(left[:200], x, atol=1e-5)
    assert mean_cosine_of(left[:200]) == pytest.approx((1 - pdist(x, "cosine")).mean(), abs=1e-5)
    assert len(centered(spaces.same(), "joint")) == 0
