"""Many visitors: turns in order, a bounded queue, thumbnails that a browser keeps."""

from threading import Event, Thread
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.errors import Busy
from core.types import Item
from core.workbench import Workbench
from pages.parts import thumbnails
from pages.parts.search import turns

SOON = 20
WEBP = b"RIFF....WEBPVP8 "


class Visitor(Thread):
    """Waits for a turn, notes its name, and keeps the turn until it may end."""

    def __init__(self, queue, name, order):
        super().__init__(daemon=True)
        self.waits, self.runs, self.may_end = Event(), Event(), Event()
        self.queue, self.label, self.order = queue, name, order
        self.start()

    def run(self):
        with self.queue.turn(lambda before: self.waits.set()):
            self.order.append(self.label)
            self.runs.set()
            self.may_end.wait(SOON)


def test_turns_are_taken_in_order_and_too_many_are_told():
    queue, order = turns.Turns(at_once=1, most=2), []
    first = Visitor(queue, "first", order)
    assert first.runs.wait(SOON)
    second = Visitor(queue, "second", order)
    assert second.waits.wait(SOON)
    third = Visitor(queue, "third", order)
    assert third.waits.wait(SOON)
    with pytest.raises(Busy, match="2 searches are waiting"), queue.turn():
        pass
    for visitor in (first, second, third):
        visitor.may_end.set()
        visitor.join(SOON)
    assert order == ["first", "second", "third"]


def test_one_who_leaves_keeps_nobody_waiting():
    queue = turns.Turns(at_once=1)
    with queue.turn():
        with pytest.raises(KeyError), queue.turn(lambda before: {}[before]):
            pass
        with pytest.raises(ZeroDivisionError), queue.turn(lambda before: 1 / before):
            pass
    with pytest.raises(ValueError), queue.turn():
        raise ValueError
    with queue.turn(lambda before: pytest.fail("a turn was left over")):
        pass


def test_a_run_that_takes_long_does_not_count(monkeypatch):
    queue = turns.Turns(at_once=1)
    with queue.turn():
        monkeypatch.setattr(turns, "LONG_S", -1.0)
        with queue.turn(lambda before: pytest.fail("it waits")):
            pass


@pytest.fixture
def pets(home, monkeypatch):
    """An image with a thumbnail in a home that is served."""
    image = Item("image", b"x", "a.jpg")
    Workbench(home).home.create("pets and more").add([image], (), {image.id: WEBP})
    monkeypatch.setenv("SEXTANT_HOME", str(home))
    monkeypatch.setattr(thumbnails, "ROUTES", [])
    return image.id


def test_a_thumbnail_is_kept_for_ever_under_an_address_of_its_content(pets):
    assert thumbnails.address("pets and more", pets, WEBP) == ""
    client = TestClient(Starlette(routes=[thumbnails.route()]))
    address = thumbnails.address("pets and more", pets, WEBP)
    said = client.get(f"/{address}")
    assert (said.content, said.headers["content-type"]) == (WEBP, "image/webp")
    assert "immutable" in said.headers["cache-control"]
    assert "private" in said.headers["cache-control"]
    assert thumbnails.address("pets and more", pets, WEBP + b"2") != address
    assert not urlsplit(address).netloc and not address.startswith("/")


@pytest.mark.parametrize("query", ["", "of=pets+and+more&id=no", "of=no&id=x", "of=%00&id=../x"])
def test_what_is_no_thumbnail_is_not_found(pets, query):
    client = TestClient(Starlette(routes=[thumbnails.route()]))
    assert client.get(f"/thumbnails?{query}").status_code == 404
