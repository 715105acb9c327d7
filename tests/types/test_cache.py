"""Results shared per space: computed once, and only their users wait for them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from core.store.collection import Collection
from core.types.cache import SpaceCache
from core.types.item import Item, Passport
from core.types.space import Space
from core.workbench import Workbench

WAIT = 20  # seconds until a test that hangs fails


def test_a_result_is_computed_once_and_others_do_not_wait():
    cache, go, made = SpaceCache(), Event(), []

    def slow():
        made.append("slow")
        assert go.wait(WAIT)
        return "slow"

    with ThreadPoolExecutor(3) as pool:
        first, second = (pool.submit(cache.get, "a", slow) for _ in range(2))
        assert pool.submit(cache.get, "b", lambda: "quick").result(WAIT) == "quick"
        assert not first.done()
        go.set()
        assert first.result(WAIT) == second.result(WAIT) == "slow"
    assert made == ["slow"]


def test_errors_are_raised_and_not_cached():
    cache = SpaceCache()
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 2) == 2


def test_the_oldest_results_are_evicted():
    cache = SpaceCache(size=2)
    for key in "abc":
        cache.get(key, lambda key=key: key)
    assert cache.get("c", lambda: "again") == "c"
    assert cache.get("a", lambda: "again") == "again"


def test_the_least_recently_used_result_is_evicted():
    cache, made = SpaceCache(2), []
    for key in ("moments", "lists", "moments", "ranks", "moments"):
        cache.get(key, lambda key=key: made.append(key))
    assert made == ["moments", "lists", "ranks"]


def test_a_space_with_a_bias_is_another_space_of_the_same_rows():
    square = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    plain = Space(square, tuple("abcd"), 4)
    biased = plain.biased(np.ones(4, np.float32), "step")
    assert biased.rows_key == plain.rows_key == Space(square, tuple("efgh"), 4).rows_key
    assert Space(square, tuple("abcd"), 2).rows_key != plain.rows_key
    assert biased.key != plain.key
    assert biased.offset.tolist() == [1] * 4
    made = []
    cache = SpaceCache()
    by_rows, by_space = cache.per_rows(lambda space: made.append(1)), cache.per_space(made.append)
    for space in (plain, biased, plain):
        by_rows(space)
        by_space(space)
    assert len(made) == 1 + 2


def test_opening_another_collection_does_not_wait(monkeypatch, tmp_path):
    bench, passport = Workbench(tmp_path), Passport("toy", "w", "p", 4)
    for name in ("large", "small"):
        item = Item("text", name.encode(), name)
        made = bench.home.create(name)
        made.add([item])
        made.write_vectors(passport, [item.id], np.eye(4, dtype=np.float32)[:1])
    go, load = Event(), Collection.space

    def slowly(self, passport):
        assert self.name == "small" or go.wait(WAIT)
        return load(self, passport)

    monkeypatch.setattr(Collection, "space", slowly)
    with ThreadPoolExecutor(2) as pool:
        large = pool.submit(bench.open, "large")
        assert pool.submit(bench.open, "small").result(WAIT).space.n == 1
        assert not large.done()
        go.set()
        assert large.result(WAIT).space.n == 1
