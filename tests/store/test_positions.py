"""Where ids are in a table: the same whichever side is looked up in the other."""

import numpy as np
import pyarrow as pa
import pytest

from core.store.schema import positions


@pytest.mark.parametrize("n", [0, 1, 5, 5000])
def test_each_wanted_id_gets_its_first_position_or_none(n):
    ids = [f"{i:04x}" for i in np.random.default_rng(0).permutation(n)] + ["twice", "twice"]
    known = [*ids[:3], ids[0], "twice"]
    wanted = pa.chunked_array([["unknown"], known[:2], [], [*known[2:], None]], pa.string())
    expected = [-1, *(ids.index(id_) for id_ in known), -1]
    assert positions(wanted, pa.array(ids)).tolist() == expected
    many = wanted.to_pylist() * 20  # of 5,000 ids more than a hundredth
    assert positions(pa.array(many, pa.string()), pa.array(ids)).tolist() == expected * 20
    assert positions(pa.array([], pa.string()), pa.array(ids)).shape == (0,)
