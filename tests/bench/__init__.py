"""Measurements of speed, side by side with an alternative in the same run, as a ratio.

These machines are shared and noisy: read the ratios, not the seconds.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from core.errors import UnknownName


def names() -> list[str]:
    """What can be measured."""
    return sorted(m.name for m in iter_modules(__path__))


def run(name: str) -> list[dict[str, Any]]:
    """Rows of one benchmark: name, n, d, value, unit, baseline, ratio, recall, note.

    Raises:
        UnknownName: no such benchmark.
    """
    if name not in names():
        raise UnknownName("benchmark", name, names())
    rows: list[dict[str, Any]] = import_module(f"{__name__}.{name}").run()
    return rows
