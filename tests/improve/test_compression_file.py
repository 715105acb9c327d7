"""The file of compressed rows: the same codes and scores, and what a short decoder reads of it."""

import numpy as np
import pytest

from core.errors import InputError, PassportMismatch
from core.improve import (
    COMPRESSORS,
    compressed,
    compressed_from_bytes,
    compressed_to_bytes,
    decoder,
    fit_way,
    parse_way,
)
from core.types import KINDS, Passport
from tests.fixtures import spaces

PASSPORT = Passport("toy", "1", "plain", 16)
WAYS = [
    f"{name}:parts=3" if any(p.name == "parts" for p in part.params) else name
    for name, part in COMPRESSORS.all().items()
]
MORE = [
    "truncation:dims=5", "truncation:dims=5:order=stored:numbers=int4",
    "rabitq:bits=3", "rabitq:bits=2:centers=7",
]  # fmt: skip


@pytest.fixture(scope="module")
def space():
    return spaces.paired(120, 16)


def kept(space, text):
    way = parse_way(text)
    return compressed(space, fit_way(space, way), way)


@pytest.mark.parametrize(
    "way", [*WAYS, *MORE, "bebr:bits=2:distance=asymmetric", "bebr:axes=trained:steps=3"]
)
def test_a_file_has_the_same_codes_scores_and_bytes(way, space, tmp_path):
    before = kept(space, way)
    data = compressed_to_bytes(before, PASSPORT)
    after = compressed_from_bytes(data, PASSPORT)
    assert after.way == before.way
    np.testing.assert_array_equal(
        after.scores(space.texts, "text"), before.scores(space.texts, "text")
    )
    for kind in KINDS:
        rows = space.vectors[space.span(kind)]
        for name, array in after.fitted.encode(rows, kind).items():
            np.testing.assert_array_equal(array, before.codes[kind][name])
    header = 8 + int.from_bytes(data[:8], "little")
    assert len(data) - header == before.nbytes == after.nbytes

    (tmp_path / "rows").write_bytes(data)
    scope = {}
    program = decoder(before)
    assert len(program.partition('"""\n')[2].splitlines()) <= 10
    exec(program, scope)
    for kind in KINDS:
        decoded = scope["load_rows"](tmp_path / "rows", kind)
        assert decoded[:, : space.d] == pytest.approx(before.rows(kind), abs=1e-6)


def test_files_of_others_are_refused(space):
    data = compressed_to_bytes(kept(space, "float16"), PASSPORT, ("whitening",))
    assert compressed_from_bytes(data, PASSPORT, ("whitening",)).n == space.n
    with pytest.raises(InputError, match="after whitening, the queries come after no repair"):
        compressed_from_bytes(data, PASSPORT)
    with pytest.raises(PassportMismatch):
        compressed_from_bytes(data, Passport("other", "1", "plain", 16))
    with pytest.raises(InputError, match="holds no compressed rows"):
        compressed_from_bytes(b"12345678{}", PASSPORT)
    newer = data.replace(b'\\"format\\": 1', b'\\"format\\": 9')
    with pytest.raises(InputError, match="newer"):
        compressed_from_bytes(newer, PASSPORT)
