"""Ways at equal bytes: budgets are kept, lists under a filter hold only what it allows."""

import numpy as np
import pytest

from core.errors import InputError
from core.store import EncodedCollection
from core.types import Passport
from core.workbench.protocol import PARTS, budget_rows, ways_within
from tests.fixtures import spaces

D = 24


def opened(space):
    return EncodedCollection(None, Passport("m", "w", "p", space.d), space, "1")


@pytest.fixture(scope="module")
def rows():
    return budget_rows(opened(spaces.paired(900, D, agreement=0.8)))


def test_every_way_stays_within_its_budget(rows):
    assert {row.part for row in rows} <= {*PARTS}
    for row in rows:
        assert 0 < row.code_bytes <= row.budget <= 4 * D / row.part
        assert row.code_bytes <= row.bytes_per_item


def test_all_dimensions_as_half_floats_find_every_list_under_every_filter(rows):
    half = next(row for row in rows if row.way == f"truncation:dims={D}")
    assert {name for _, name in half.recall} >= {"none", "random 10%", "near", "far"}
    assert {k for k, _ in half.recall} == {10, 100}
    assert min(value for value, _, _ in half.recall.values()) > 0.995


def test_fewer_bytes_of_one_kind_never_find_more(rows):
    for k, name in rows[0].recall:
        found = [row.recall[k, name][0] for row in rows if "int4" in row.way]
        assert np.all(np.diff(found) <= 0.02)


def test_bytes_go_to_bits_or_to_dimensions():
    for part in PARTS:
        assert len(ways_within(512, part)) >= 2


def test_too_few_images_are_refused():
    with pytest.raises(InputError, match="needs 20 images"):
        budget_rows(opened(spaces.paired(12, D)))
