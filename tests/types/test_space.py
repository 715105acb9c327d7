"""What a space says of its rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.types import Space


@given(st.sets(st.text(max_size=3), min_size=1, max_size=20), st.data())
def test_rows_are_found_by_their_ids_whatever_their_order(names, data):
    shuffled = data.draw(st.permutations(sorted(names)))
    n_images = data.draw(st.integers(0, len(names)))
    as_stored = (*sorted(shuffled[:n_images]), *sorted(shuffled[n_images:]))
    for ids in (tuple(shuffled), as_stored):
        row = Space(np.tile(np.eye(1, 4, dtype="f4"), (len(ids), 1)), ids, n_images).row
        assert dict(row) == {id_: at for at, id_ in enumerate(ids)}
        assert len(row) == len(ids)
        for absent in (ids[0] + "x", "", "\uffff"):
            assert (absent in row) == (absent in ids) and row.get(absent, -1) == (
                ids.index(absent) if absent in ids else -1
            )
