"""Directions between unit vectors."""

import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from core.numerics.directions import slerp
from tests.fixtures.spaces import directions


@pytest.mark.parametrize("angle", [1e-8, 1e-5, 0.01, 1.0, 3.1])
def test_slerp_is_scipys_for_each_pair(angle):
    a = directions(20, 16)
    b = directions(20, 16, 1)
    b -= (a * b).sum(axis=1, keepdims=True) * a
    b = np.cos(angle) * a + np.sin(angle) * b / np.linalg.norm(b, axis=1, keepdims=True)
    expected = [geometric_slerp(end, start, 0.3) for start, end in zip(a, b, strict=True)]
    np.testing.assert_allclose(slerp(a, b, 0.3), expected, atol=1e-12)
