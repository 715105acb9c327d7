"""Attributes beside vectors: what is alike scores alike, in one product, and bytes are counted."""

import numpy as np
import pytest

from core.errors import InputError
from core.improve import compressed, fit_way, parse_way
from core.improve.multiplexing import attribute_shares, shared_table
from core.types import Attributes, Space
from tests.fixtures import spaces

COLORS = ("red", "green", "blue")


def attributed(n=300, d=32):
    """Rows with a color and a year, at random."""
    rng = np.random.default_rng(3)
    own = np.column_stack([rng.integers(3, size=n), 3 + rng.integers(40, size=n)])
    names = tuple(("color", name) for name in COLORS) + tuple(("year", str(i)) for i in range(40))
    at = np.column_stack([np.repeat(np.arange(n), 2), own.ravel()])
    base = spaces.space(spaces.directions(n, d))
    return Space(base.vectors, base.ids, n, attributes=Attributes(names, at)), own


def kept(space, text):
    way = parse_way(text)
    return compressed(space, fit_way(space, way), way)


def exact_cosines(attributes, n):
    shares = attribute_shares(attributes, n).toarray()
    shares /= np.linalg.norm(shares, axis=1, keepdims=True)
    return shares @ shares.T


def test_the_same_attributes_have_cosine_1():
    space, _ = attributed()
    found = shared_table(256, 1.0).rows(space.attributes, space.n)
    cosines, exact = found @ found.T, exact_cosines(space.attributes, space.n)
    assert cosines[exact > 0.999] == pytest.approx(1, abs=1e-5)
    wider = shared_table(4096, 1.0).rows(space.attributes, space.n)
    assert np.std(wider @ wider.T - exact) < 0.6 * np.std(cosines - exact)


def test_other_values_have_cosine_0_on_average_and_a_known_error():
    n, e = 500, 64
    names = tuple(("serial", str(i)) for i in range(n))
    every = Attributes(names, np.column_stack([np.arange(n), np.arange(n)]))
    found = shared_table(e, 1.0).rows(every, n)
    others = (found @ found.T)[~np.eye(n, dtype=bool)]
    assert abs(others.mean()) < 0.005
    assert others.std() == pytest.approx(1 / np.sqrt(e), rel=0.1)


def test_a_query_that_prefers_nothing_is_ranked_as_by_the_same_floats():
    space, _ = attributed()
    queries = space.images[:20]
    for numbers in ("float32", "float16"):
        way = kept(space, f"attributes:numbers={numbers}")
        np.testing.assert_array_equal(
            np.argsort(-way.scores(queries, "image"), axis=1),
            np.argsort(-kept(space, numbers).scores(queries, "image"), axis=1),
        )
    without = kept(space, "attributes:weight=0:numbers=float32")
    asked = without.fitted.preferring(queries, [("color", "red")])
    np.testing.assert_array_equal(without.scores(asked, "image"), without.scores(queries, "image"))


def test_one_product_is_the_cosine_and_as_much_of_the_attributes_as_asked():
    space, own = attributed()
    way = kept(space, "attributes:weight=0.5:dims=512:numbers=float32")
    queries = space.images[:5]
    asked = way.fitted.preferring(queries, [("color", "red")])
    gain = way.scores(asked, "image") - queries @ space.images.T
    red = own[:, 0] == 0
    # A red row has another field too: its cosine with "red" is 1 / sqrt(2).
    assert gain[:, red].mean() == pytest.approx(0.5 * 0.5**0.5, abs=0.03)
    assert abs(gain[:, ~red].mean()) < 0.03
    assert way.bytes_per_item == (4 * (32 + 512) * space.n + 512 * 1024 + 16) / space.n


def test_rows_without_attributes_and_other_codes_know_no_preference():
    base = spaces.space(spaces.directions(40, 16))
    way = kept(base, "attributes")
    assert not way.codes["image"]["code"][:, 16:].any()
    with pytest.raises(InputError, match="--keep attributes"):
        kept(base, "int8").fitted.preferring(base.images[:1], [("color", "red")])


def test_a_subset_keeps_its_own_attributes():
    space, own = attributed()
    some = space.subset(np.array([7, 3, 200]))
    rows, names = some.attributes.at.T
    assert rows.tolist() == [0, 0, 1, 1, 2, 2]
    assert names.tolist() == own[[3, 7, 200]].ravel().tolist()
