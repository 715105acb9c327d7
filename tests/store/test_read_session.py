"""A read session: versions are read once in it, and nothing is older than its start."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.errors import UnknownName
from core.store import items as items_table
from core.store.home import Home
from core.store.table import Table, read_session
from core.types.item import Passport
from core.workbench import Workbench
from tests.fixtures.items import text

TOY = Passport("toy", "w1", "p1", 2)


@pytest.fixture
def two(home):
    """The same collection, open in two processes."""
    first = Home(home).create("pets")
    first.add([text("one")])
    return first, Home(home).open("pets")


def elsewhere(write, *args):
    """What another process, or another thread of this one, writes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(write, *args).result()


def test_writes_of_others_show_in_the_next_session(two):
    mine, other = two
    with read_session():
        before = mine.version(), mine.counts()
        elsewhere(other.add, [text("two")])
        assert (mine.version(), mine.counts()) == before
    with read_session():
        assert mine.version() != before[0] and mine.counts().texts == 2


def test_own_writes_show_at_once(two):
    mine, _ = two
    with read_session():
        assert mine.counts().texts == 1
        mine.add([text("two")])
        assert mine.counts().texts == 2
        mine.delete_items([text("one").id, text("two").id])
        assert mine.counts().texts == 0


def test_without_a_session_and_in_other_threads_every_write_shows(two):
    mine, other = two
    other.add([text("two")])
    assert mine.counts().texts == 2
    with read_session():
        assert mine.counts().texts == 2
        elsewhere(other.add, [text("three")])
        assert elsewhere(mine.counts).texts == 3


def test_a_session_inside_another_is_the_same(two):
    mine, other = two
    with read_session():
        with read_session():
            assert mine.counts().texts == 1
        elsewhere(other.add, [text("two")])
        assert mine.counts().texts == 1
    assert mine.counts().texts == 2


def test_a_session_ends_with_an_error_too(two):
    mine, other = two
    with pytest.raises(ZeroDivisionError), read_session():
        mine.counts()
        raise ZeroDivisionError
    other.add([text("two")])
    assert mine.counts().texts == 2


def test_cached_rows_are_the_stored_ones(two):
    mine, other = two
    one, new = text("one"), text("two")
    thumbnail = {one.id: b"webp"}
    assert mine.items([one.id])[0].text == "one" and mine.thumbnails([one.id]) == {}
    other.add([new], thumbnails=thumbnail)
    assert [item.text for item in mine.items([new.id, one.id, new.id])] == ["two", "one", "two"]
    assert mine.thumbnails([one.id, new.id]) == thumbnail
    other.delete_items([one.id])
    assert mine.thumbnails([one.id]) == {}
    with pytest.raises(UnknownName, match="No item of 'pets'"):
        mine.items([one.id])


def test_rows_are_read_once_until_a_write(two, monkeypatch):
    mine, other = two
    read, reads = Table.read, []
    monkeypatch.setattr(Table, "read", lambda self, *a: reads.append(a) or read(self, *a))
    for _ in range(3):
        mine.items([text("one").id])
    assert len(reads) == 1
    other.add([text("two")])
    reads.clear()
    mine.items([text("one").id, text("two").id])
    assert len(reads) == 1


def test_absent_rows_are_looked_up_once_until_a_write(two, monkeypatch):
    mine, other = two
    one, new = text("one"), text("two")
    other.add([new], thumbnails={new.id: b"webp"})
    read, reads = Table.read, []
    monkeypatch.setattr(Table, "read", lambda self, *a: reads.append(a) or read(self, *a))
    for _ in range(3):
        assert mine.thumbnails([one.id, new.id]) == {new.id: b"webp"}
    assert len(reads) == 1
    assert list(mine.with_payload([one.id, "nobody"])) == list(
        mine.with_payload(["nobody", one.id])
    )
    assert len(reads) == 2
    other.add([], thumbnails={one.id: b"later"})
    assert mine.thumbnails([one.id]) == {one.id: b"later"}


def test_evicted_rows_are_read_again(two, monkeypatch):
    monkeypatch.setattr(items_table, "CACHED_ROWS", 2)
    mine, _ = two
    mine.add([text(str(i)) for i in range(9)])
    ids = [text(str(i)).id for i in range(9)]
    assert [item.text for item in mine.items(ids)] == list("012345678")
    assert [item.text for item in mine.items(ids[::-1])] == list("876543210")


def test_a_workbench_shows_new_encoders_and_ingest_reports(home):
    bench, store = Workbench(home), Home(home)
    pets = store.create("pets")
    pets.add([text("one")])
    with bench.read_session():
        assert bench.encoders("pets") == () and bench.card("pets").last_intake is None
    pets.write_vectors(TOY, [text("one").id], np.eye(2, dtype=np.float32)[:1])
    pets.artifacts.write_ingest_report({"added": 1})
    with bench.read_session():
        assert bench.encoders("pets") == ("toy",)
        assert bench.card("pets").last_intake == {"added": 1}
        assert bench.open("pets").space.n == 1
