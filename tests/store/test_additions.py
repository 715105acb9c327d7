"""The field `added`: the ingest that an item came with."""

from time import time_ns

import pytest

from core.errors import BadParameter
from core.store import Home
from core.types import Filter
from tests.fixtures.items import text


@pytest.fixture
def collection(tmp_path):
    collection = Home(tmp_path).ensure("pets")
    for time in ("Monday", "Tuesday"):
        began = time_ns()
        collection.add([text(f"a text of {time}")])
        report = {"time": time, "began": began, "ended": time_ns()}
        collection.artifacts.write_ingest_report(report)
    collection.artifacts.write_ingest_report({"added": 1})  # as of earlier versions
    return collection


@pytest.mark.parametrize(
    ("op", "value", "days"),
    [
        ("in", "Monday", ["Monday"]),
        ("not in", "Monday", ["Tuesday"]),
        ("contains", "day", ["Monday", "Tuesday"]),
        ("in", "Sunday", []),
    ],
)
def test_items_pass_by_their_ingest(collection, op, value, days):
    ids = sorted(collection.item_ids())
    passes = collection.mask([Filter("added", op, (value,))], ids)
    passing = [id_ for id_, ok in zip(ids, passes, strict=True) if ok]
    assert sorted(i.text for i in collection.items(passing)) == [f"a text of {d}" for d in days]


def test_it_is_a_field_with_the_times_of_the_ingests(collection):
    fields = {field.name: field.values for field in collection.fields()}
    assert fields["added"] == ("Monday", "Tuesday")
    with pytest.raises(BadParameter, match="between"):
        collection.mask([Filter("added", "between", (1, 2))], [])
