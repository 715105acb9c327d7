"""The synthetic space that benchmarks measure, and their rows."""

import re

import numpy as np
import pytest

from core.measure.diagnostics import DIAGNOSTICS
from tests.bench.geometry.alternatives import alternatives
from tests.bench.geometry.measured import measured
from tests.bench.geometry.synthetic import GAP, synthetic
from tests.fixtures.findings import find


def test_a_synthetic_space_has_the_planted_geometry():
    given = synthetic(2000)
    assert (given.n, given.n_images, given.d) == (2000, 1000, 512)
    assert len(given.pairs) == 1000
    np.testing.assert_array_equal(given.vectors, synthetic(2000).vectors)
    assert 0.5 * GAP < find("modality_gap", given).value < GAP
    assert find("near_duplicates", given, "image").value >= 0.01
    assert find("hubness", given, "image").value > find("hubness", given, "text").value
    sizes = np.unique([labels[0] for labels in given.labels[:1000]], return_counts=True)[1]
    assert sizes.max() > 20 * sizes.min()


def test_a_run_reports_seconds_and_memory():
    found = measured("vital", 400)
    assert [part["name"] for part in found["parts"]][1:] == [
        name for name, part in DIAGNOSTICS.all().items() if part.traits["vital"]
    ]
    assert found["peak"] > found["matrix"] == 400 * 512 * 4 / 1e9
    assert sum(part["seconds"] for part in found["parts"]) <= found["seconds"]


@pytest.mark.slow
def test_alternative_computations_agree_with_ours():
    rows = alternatives(2000)
    assert {"name", "n", "d", "value", "unit", "baseline", "ratio", "recall", "note"} == set(
        rows[0]
    )
    for row in rows:
        theirs, ours, low, high = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", row["note"])[-4:])
        assert theirs == pytest.approx(ours, rel=0.01) or low <= theirs <= high, row["note"]
