"""Searching a collection that changes meanwhile."""

from contextlib import nullcontext
from threading import Thread

import pytest

from core.types import Part, Query
from core.workbench import Workbench


@pytest.mark.parametrize("in_session", [False, True])
def test_what_another_visitor_deletes_after_opening_is_no_result(filled, in_session):
    bench = Workbench(filled)
    with bench.read_session() if in_session else nullcontext():
        opened = bench.open("colours")
        query = Query((Part(text="red"),), k=5)
        first, *others = [hit.id for hit in bench.search(opened, query).hits]
        other = Thread(target=lambda: Workbench(filled).delete_items("colours", [first]))
        other.start()
        other.join()
        assert [hit.id for hit in bench.search(opened, query).hits] == others
