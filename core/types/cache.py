"""What is computed once for a space and then shared."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from core.types.space import Space

P = ParamSpec("P")
R = TypeVar("R")


class SpaceCache:
    """Heavy intermediate results, computed once per space and argument and then shared.

    Keeps the `size` results that were asked for last. Threads that ask for the same result wait for
    the first; those that ask for another one do not.
    """

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._lock = Lock()
        self._kept: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], R]) -> R:
        """The result under `key`, made when it is not there. What raises is not kept."""
        with self._lock:
            found: Future[R] | None = self._kept.pop(key, None)
            promise: Future[R] = found or Future()
            self._kept[key] = promise  # last in line to be dropped
            while len(self._kept) > self._size:
                self._kept.pop(next(iter(self._kept)))
        if found is None:
            try:
                promise.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._kept.pop(key, None)
                promise.set_exception(error)
                raise
        return promise.result()

    def per_space(
        self, function: Callable[Concatenate[Space, P], R]
    ) -> Callable[Concatenate[Space, P], R]:
        """Compute once per `space.key` and arguments, while this cache keeps it."""
        return self._once(function, lambda space: space.key)

    def per_rows(
        self, function: Callable[Concatenate[Space, P], R]
    ) -> Callable[Concatenate[Space, P], R]:
        """Compute once per vectors and their kinds: biases, labels and pairs change nothing."""
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


_SHARED = SpaceCache()
per_space = _SHARED.per_space
"""Compute once per `space.key` and arguments; every diagnostic then shares the result."""
