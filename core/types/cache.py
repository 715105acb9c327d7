"""Results computed once per space and shared by threads."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import ref

from numpy.typing import NDArray

from core.types.space import Space

P = ParamSpec("P")
R = TypeVar("R")


class SpaceCache:
    """Heavy intermediate results, computed once per space and arguments and then shared.

    Holds the `size` most recently used results. Threads that request the same result wait for the
    first; those that request another one do not.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._lock = Lock()
        self._results: dict[Hashable, Future[Any]] = {}  # least recently used first

    def get(self, key: Hashable, make: Callable[[], R]) -> R:
        """The result under `key`, computed by `make` when absent. Errors are not cached."""
        with self._lock:
            cached: Future[R] | None = self._results.pop(key, None)
            result: Future[R] = cached or Future()
            self._results[key] = result
            self._drop()
        if cached is None:
            try:
                result.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._results.pop(key, None)
                result.set_exception(error)
                raise
        return result.result()

    def put(self, key: Hashable, result: R) -> R:
        """Keep a result under `key` in place of any other, and return it."""
        made: Future[R] = Future()
        made.set_result(result)
        with self._lock:
            self._results.pop(key, None)
            self._results[key] = made
            self._drop()
        return result

    def known(self, key: Hashable) -> Any:
        """The result under `key` where it is computed already; None elsewhere."""
        with self._lock:
            cached = self._results.get(key)
        return cached.result() if cached and cached.done() and not cached.exception() else None

    def _drop(self) -> None:
        """Drop the least recently used results beyond `size`; the lock is held."""
        while len(self._results) > self._size:
            self._results.pop(next(iter(self._results)))

    def per_space(
        self, function: Callable[Concatenate[Space, P], R]
    ) -> Callable[Concatenate[Space, P], R]:
        """Compute once per `space.key` and arguments, while the result is in this cache."""
        return self._once(function, lambda space: space.key)

    def per_rows(
        self, function: Callable[Concatenate[Space, P], R]
    ) -> Callable[Concatenate[Space, P], R]:
        """Compute once per vectors and kinds: biases, labels and pairs do not matter."""
        return self._once(function, lambda space: space.rows_key)

    def _once(
        self, function: Callable[Concatenate[Space, P], R], key_of: Callable[[Space], str]
    ) -> Callable[Concatenate[Space, P], R]:
        name = f"{function.__module__}.{function.__qualname__}"

        @wraps(function)
        def wrapper(space: Space, /, *args: P.args, **kwargs: P.kwargs) -> R:
            key = (name, key_of(space), args, tuple(sorted(kwargs.items())))
            return self.get(key, lambda: function(space, *args, **kwargs))

        return wrapper


def per_array(
    function: Callable[Concatenate[NDArray[Any], P], R],
) -> Callable[Concatenate[NDArray[Any], P], R]:
    """Compute once per array and arguments, as long as the array lives and cannot be written to.

    >>> import numpy as np
    >>> total = per_array(lambda array: int(array.sum()))
    >>> total(np.arange(4)), total(np.arange(5))
    (6, 10)
    """
    results: dict[Hashable, tuple[ref[NDArray[Any]], R]] = {}

    @wraps(function)
    def wrapper(array: NDArray[Any], /, *args: P.args, **kwargs: P.kwargs) -> R:
        key = (id(array), args, tuple(sorted(kwargs.items())))
        known = results.get(key)
        if known and known[0]() is array:
            return known[1]
        result = function(array, *args, **kwargs)
        if not array.flags.writeable:
            results[key] = ref(array, lambda _: results.pop(key, None)), result
        return result

    return wrapper


_SHARED = SpaceCache()
per_space = _SHARED.per_space
"""Compute once per `space.key` and arguments; shared by every diagnostic."""
