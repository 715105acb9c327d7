"""Measured tables, one card for each file of `assets/results`.

A file holds title, command, when, about and rows. A cell is null, a text, a number, a difference
with its confidence interval (gain, low, high) or a value with one (value, low, high). Rows may also
be those that `python -m tests.bench NAME` prints.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import ASSETS
from pages.parts import formatting

RESULTS = ASSETS / "results"


def tables() -> list[dict[str, Any]]:
    """What the files hold, by title."""
    files = [json.loads(path.read_text("utf-8")) for path in RESULTS.glob("*.json")]
    return sorted(files, key=lambda table: table["title"])


def show(tables: Sequence[Mapping[str, Any]]) -> None:
    """Every table with its command, or how to measure where there is none."""
    if not tables:
        st.info("No measurements here yet. In a copy of the source: `python -m tests.bench NAME`.")
    for table in tables:
        with st.container(border=True):
            st.markdown(f"#### {formatting.plain(table['title'])}")
            st.caption(formatting.plain(table["about"]))
            st.markdown(_table(table["rows"]))
            st.caption(f"`{table['command']}` · {formatting.plain(table['when'])}")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as Markdown; columns that are empty everywhere are left out."""
    named = dict.fromkeys(name for row in rows for name, cell in row.items() if cell is not None)
    lines = [map(formatting.plain, named), ["---"] * len(named)]
    lines += [[cell(row.get(name)) for name in named] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    """A cell as Markdown; a difference whose interval excludes 0 is bold.

    >>> cell({"gain": 2.0, "low": 0.5, "high": 3.5}), cell({"gain": -1.0, "low": -2.0, "high": 1.0})
    ('**+2.0** (+0.5 to +3.5)', '−1.0 (−2.0 to +1.0)')
    >>> cell({"value": 36.4, "low": 30.8, "high": 42.4}), cell(1024), cell(None)
    ('36.4 (30.8 to 42.4)', '1,024', '')
    """
    if value is None:
        return ""
    if not isinstance(value, Mapping):
        return formatting.plain(value) if isinstance(value, str) else f"{value:,}"
    sign = "+" if "gain" in value else ""
    main, *ends = [
        f"{value[end]:{sign}}".replace("-", "−")
        for end in ("gain", "value", "low", "high")
        if end in value
    ]
    if ends and sign and not value["low"] <= 0 <= value["high"]:
        main = f"**{main}**"
    return f"{main} ({' to '.join(ends)})" if ends else main
