"""Samples and pair means."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.numerics.sampling import groups, pair_mean
from core.types import Space
from tests.fixtures import spaces


def test_random_pairs_agree_with_all_pairs():
    given = spaces.cone(n=400, d=8, cosine=0.6)
    all_of_them = pair_mean(given, "image", np.exp, pairs=10**6)
    some = pair_mean(given, "image", np.exp, pairs=20_000)
    assert all_of_them.exact
    assert not some.exact
    assert some.value == pytest.approx(all_of_them.value, abs=3 * some.error)
    assert some.error > all_of_them.error


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_groups_are_the_connected_components_and_have_their_numbers(images, texts, data):
    n = images + texts
    pair = st.tuples(st.integers(0, images - 1), st.integers(images, n - 1))
    unique = {"unique_by": lambda pair: pair[1]} if data.draw(st.booleans()) else {"unique": True}
    pairs = np.array(data.draw(st.lists(pair, **unique)), np.int64).reshape(-1, 2)
    rows = np.tile(np.eye(1, 4, dtype=np.float32), (n, 1))
    found = groups(Space(rows, tuple(map(str, range(n))), images, pairs))
    links = coo_array((np.ones(len(pairs)), pairs.T), shape=(n, n))
    np.testing.assert_array_equal(found, connected_components(links, directed=False)[1])
