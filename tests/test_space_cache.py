"""What is shared per space: computed once, waited for by those who need it, and by nobody else."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from core.types import SpaceCache

WAIT = 20  # seconds until a test that hangs fails


def test_the_same_result_is_made_once_and_others_are_not_waited_for():
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


def test_a_failure_is_told_and_tried_again():
    cache = SpaceCache()
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 2) == 2


def test_the_oldest_results_are_let_go():
    cache = SpaceCache(size=2)
    for key in "abc":
        cache.get(key, lambda key=key: key)
    assert cache.get("c", lambda: "again") == "c"
    assert cache.get("a", lambda: "again") == "again"


def test_what_is_asked_for_often_is_kept_longest():
    cache, made = SpaceCache(2), []
    for key in ("moments", "lists", "moments", "ranks", "moments"):
        cache.get(key, lambda key=key: made.append(key))
    assert made == ["moments", "lists", "ranks"]
