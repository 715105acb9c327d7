"""Principal subspaces, Fisher scores and masked cosines."""

import numpy as np
import pytest

from core.errors import InputError
from core.numerics import subspaces
from core.numerics.subspaces import fisher, masked_cosines, top_fisher_mask
from tests.fixtures.spaces import directions


def test_cosines_under_a_mask():
    e = np.eye(4)
    one, other = (e[:1] + e[1:2]) / np.sqrt(2), (e[:1] + e[2:3]) / np.sqrt(2)
    assert masked_cosines(one, other, np.ones(4)) == pytest.approx(0.5)
    assert masked_cosines(one, other, e[0]) == pytest.approx(1)
    with pytest.raises(InputError, match="The mask is 0 in all directions"):
        masked_cosines(one, other, np.zeros(4))
    x, y = directions(5, 8), directions(7, 8, 1)
    np.testing.assert_allclose(masked_cosines(x, y, np.ones(8)), x @ y.T)


def test_fisher_scores_find_the_planted_direction(rng):
    one, other = rng.standard_normal((2, 500, 10))
    one[:, 3] += 4
    scores = fisher(one, other)
    assert scores.argmax() == 3
    assert scores[3] == pytest.approx(16 / 2, rel=0.25)
    np.testing.assert_array_equal(top_fisher_mask(scores, 1), np.eye(10)[3])
    assert not top_fisher_mask(fisher(one, one), 5).any()


def test_same_orthogonal_and_random_subspaces():
    x = directions(200, 64) * np.linspace(2, 0.1, 64)
    same = subspaces.subspace_of(x, 8)
    assert subspaces.similarity(same, same, 5) == pytest.approx(1)
    assert subspaces.overlap(same, same, 5) == pytest.approx(1)
    assert subspaces.chance(512) == pytest.approx(np.sqrt(2 / (np.pi * 512)), rel=1e-3)  # 0.035262
    low, high = (np.zeros((100, 16)) for _ in range(2))
    low[:, :8], high[:, 8:] = directions(100, 8), directions(100, 8, 1)
    one, other = subspaces.subspace_of(low, 8), subspaces.subspace_of(high, 8)
    assert subspaces.similarity(one, other, 5) == pytest.approx(0, abs=1e-12)
    assert subspaces.overlap(one, other, 5) == pytest.approx(0, abs=1e-12)
