"""What findings have in common."""

import numpy as np
import pytest

from core.errors import InputError
from core.measure.findings import finding_curves
from core.types.result import Finding, Reference
from core.types.space import Space
from tests.fixtures.findings import find
from tests.fixtures.spaces import diagonal, directions, space


def finding(values):
    per_item = None if values is None else np.array(values, np.float32)
    return Finding("joint", 1, 1, 1, Reference(0, ""), "", "exact", "hubness", per_item=per_item)


def test_the_histogram_of_a_finding_counts_every_measured_item_once_in_shared_bins():
    space = Space(np.eye(5, dtype=np.float32), ("i0", "i1", "i2", "t3", "t4"), 3)
    curves = finding_curves(space, finding([1, np.nan, 2, np.nan, 3]))
    assert {kind: line.y.sum() for kind, line in curves.items()} == {"image": 2, "text": 1}
    assert curves["image"].x.tolist() == curves["text"].x.tolist()
    assert curves["text"].y[-1] == 1
    with pytest.raises(InputError, match="hubness has no per-item values"):
        finding_curves(space, finding(None))


def test_rounding_of_float32_rows_is_no_number():
    rows = np.tile(directions(1, 512), (40, 1))
    found = find("alignment", space(rows, rows, diagonal(40)))
    assert 0 < abs(found.value) < 1e-6
    assert "(mean squared distance of pairs) is 0, against 0 for" in found.sentence
