"""The bytes that cross to the map in the browser: what is sent is what is read."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.report import bit_column, byte_column, line_column, place_column
from core.report.map_columns import DIGEST

numbers = st.floats(-1e6, 1e6, width=32)


@settings(max_examples=30)
@given(st.data(), st.integers(1, 40))
def test_a_column_is_read_as_it_was_sent(data, n):
    xy = data.draw(arrays(np.float32, (n, 2), elements=numbers))
    drawn = np.flatnonzero(data.draw(arrays(bool, n)))
    codes = data.draw(arrays(np.uint8, n))
    mask = data.draw(arrays(bool, n))
    places = np.frombuffer(place_column(xy, drawn)[DIGEST:], "<f4")
    np.testing.assert_array_equal(places.reshape(-1, 2), xy[drawn])
    np.testing.assert_array_equal(np.frombuffer(byte_column(codes)[DIGEST:], "u1"), codes)
    sent = bit_column(mask)[DIGEST:]
    assert len(sent) == -(-n // 8)
    assert [(sent[i >> 3] >> (i & 7)) & 1 for i in range(n)] == mask.tolist()  # as data.js reads
    lines = np.concatenate([xy, xy[::-1]], axis=1)
    read = np.frombuffer(line_column([lines[:1], lines])[DIGEST:], "<f4").reshape(-1, 4)
    np.testing.assert_array_equal(read, np.concatenate([lines[:1], lines]))


def test_a_column_begins_with_a_digest_of_all_its_content():
    codes = np.zeros(1_200_000, np.uint8)
    odd = codes.copy()
    odd[400_000] = 1
    assert byte_column(codes)[:DIGEST] == byte_column(codes.copy())[:DIGEST]
    assert byte_column(codes)[:DIGEST] != byte_column(odd)[:DIGEST]
    nothing = np.zeros((0, 2), np.float32)
    assert place_column(nothing, np.arange(0)) == byte_column(codes[:0]) == line_column([]) == b""
