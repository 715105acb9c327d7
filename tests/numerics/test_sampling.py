"""Samples and pair means."""

import numpy as np
import pytest

from core.numerics.sampling import pair_mean
from tests.fixtures import spaces


def test_random_pairs_agree_with_all_pairs():
    given = spaces.cone(n=400, d=8, cosine=0.6)
    all_of_them = pair_mean(given, "image", np.exp, pairs=10**6)
    some = pair_mean(given, "image", np.exp, pairs=20_000)
    assert all_of_them.exact
    assert not some.exact
    assert some.value == pytest.approx(all_of_them.value, abs=3 * some.error)
    assert some.error > all_of_them.error
