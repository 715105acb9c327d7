"""Directions between unit vectors."""

import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from core.errors import InputError
from core.numerics.directions import antipodal, slerp
from tests.fixtures.spaces import directions


@pytest.mark.parametrize("angle", [1e-8, 1e-5, 0.01, 1.0, 3.1])
def test_slerp_is_scipys_for_each_pair(angle):
    a = directions(20, 16)
    b = directions(20, 16, 1)
    b -= (a * b).sum(axis=1, keepdims=True) * a
    b = np.cos(angle) * a + np.sin(angle) * b / np.linalg.norm(b, axis=1, keepdims=True)
    expected = [geometric_slerp(end, start, 0.3) for start, end in zip(a, b, strict=True)]
    np.testing.assert_allclose(slerp(a, b, 0.3), expected, atol=1e-12)


def test_a_quarter_of_the_way_along_a_right_angle():
    e1, e2 = np.eye(2)[:1], np.eye(2)[1:]
    np.testing.assert_allclose(slerp(e1, e2, 0.25), [[0.382683, 0.923880]], atol=1e-6)
    np.testing.assert_allclose(slerp(e1, e2, 1.0), e1, atol=1e-12)
    np.testing.assert_allclose(slerp(e1, e2, 0.0), e2, atol=1e-12)


def test_mixes_are_unit_rows_that_divide_the_angle():
    a, b = directions(200, 16), directions(200, 16, 1)
    angle = np.arccos((a * b).sum(axis=1))
    for weight in (0.1, 0.5, 0.8):
        mixed = slerp(a, b, weight)
        np.testing.assert_allclose(np.linalg.norm(mixed, axis=1), 1, atol=1e-12)
        np.testing.assert_allclose(np.arccos((a * mixed).sum(axis=1)), (1 - weight) * angle)


def test_rows_that_almost_agree_use_the_chord():
    a = np.array([[1.0, 0.0]])
    b = np.array([[np.cos(1e-8), np.sin(1e-8)]])
    np.testing.assert_allclose(slerp(a, b, 0.5), [[1.0, 0.5e-8]], atol=1e-12)
    np.testing.assert_allclose(slerp(a, a, 0.3), a)


def test_opposite_rows_have_no_midpoint():
    a = np.eye(2)
    assert antipodal(a, -a).all()
    assert not antipodal(a, a).any()
    with pytest.raises(InputError, match=r"Row 1 .* opposite directions"):
        slerp(a, np.array([[0.0, 1.0], [0.0, -1.0]]), 0.5)
