"""Numbers on the command line, each with its range."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

from core.errors import BadParameter


def whole(low: int, high: int) -> Callable[[str], int]:
    """A type of argparse: whole numbers from `low` to `high`.

    >>> whole(1, 10)("10")
    10
    """

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            allowed = f"whole numbers from {low} to {high}"
            raise ArgumentTypeError(str(BadParameter("it", repr(text), allowed)))
        return number

    return read


def decimal(low: float, high: float) -> Callable[[str], float]:
    """A type of argparse: numbers from `low` to `high`.

    >>> decimal(0.05, 0.5)("0.1")
    0.1
    """

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            allowed = f"numbers from {low:g} to {high:g}"
            raise ArgumentTypeError(str(BadParameter("it", repr(text), allowed)))
        return number

    return read
