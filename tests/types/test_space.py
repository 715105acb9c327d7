"""What a space says of its rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
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


@pytest.mark.parametrize(
    ("name", "right", "what"),
    [
        ("labels", (("x",),) * 5, "lists of labels do not match 5 items"),
        ("text_lengths", np.arange(3), "text lengths do not match 3 texts"),
        ("held_out", np.zeros(5, bool), "held-out marks do not match 5 items"),
        ("copies", np.zeros(5, int), "numbers of copies do not match 5 items"),
        ("offset", np.zeros(5, "f4"), "score biases do not match 5 items"),
    ],
)
def test_what_is_not_aligned_with_the_rows_is_refused(name, right, what):
    rows = np.eye(5, dtype="f4")
    for values in (right, right[:0]):
        assert Space(rows, tuple("abcde"), 2, **{name: values}).n == 5
    for values in (right[:-1], [*right, right[0]]):
        with pytest.raises(InputError, match=f"{len(values)} {what}"):
            Space(rows, tuple("abcde"), 2, **{name: values})
