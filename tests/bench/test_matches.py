"""The benchmark of P(match): planted matches are found, and random ones only by chance."""

import json

import numpy as np
import pytest

from core.search.known_matches import KnownMatches
from tests.bench.matches import form_rows
from tests.fixtures.spaces import unit


def planted(strength, rng, queries=80, items=300, d=32):
    vectors = unit(rng.normal(size=(queries, d)))
    matches = rng.random((queries, items)) < 0.03
    rows = unit(unit(rng.normal(size=(items, d))) + strength * matches.T @ vectors)
    none = np.zeros(matches.shape, bool)
    return KnownMatches(vectors, matches, none, none), rows.astype(np.float32)


@pytest.mark.parametrize(("strength", "least", "most"), [(0.0, 0.4, 0.6), (6.0, 0.9, 1.0)])
def test_rows_of_planted_matches(rng, strength, least, most):
    rows = form_rows("planted", *planted(strength, rng))
    assert json.loads(json.dumps(rows)) == rows
    values = {row["name"].removeprefix("planted, "): row["value"] for row in rows}
    assert least <= values["AUC best cosine"] <= most
    assert 0.6 < values["kept"] < 0.95
    assert 0.7 < values["share of p <= 0.05 over nominal"] < 1.4
