"""Widgets: what to find, how many, which of them, a part's own settings, downloads."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import streamlit as st

from core.registry import Choices, Plugin
from core.search import Cutoff
from core.types import CutoffRule, Kind, Strictness
from pages.parts import session, state

KINDS: dict[str, tuple[Kind, ...]] = {
    "Pictures": ("image",),
    "Texts": ("text",),
    "Both": ("image", "text"),
}

Rows: TypeAlias = Sequence[Mapping[str, Any]] | Callable[[], Sequence[Mapping[str, Any]]]

TURNS = "turns"  # how many queries this tab has run
NAMES: dict[CutoffRule, str] = {"chance": "expected", "pairs": "miss"}
LEVELS: dict[CutoffRule, tuple[float, ...]] = {
    "chance": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    "pairs": tuple(i / 20 for i in range(1, 19)),
}
BY_CHANCE = (
    "Expected number of false positives above the cutoff, by the null distribution of the query. "
    "Where a text searches for images and at least 100 captions are there, matches must also reach "
    "a cutoff calibrated on these, unless you set this."
)
BY_PAIRS = (
    "Calibrated on this collection's caption pairs: the share of true matches that the cutoff "
    "keeps. A higher share admits more false positives; the default admits 0.5 % of the images "
    "(2 to 24) and also applies the null distribution. A level you set stands alone."
)


def kinds() -> tuple[Kind, ...]:
    """What may be found: pictures, texts or both; part of the link."""
    label = session.linked(
        "kinds",
        "Pictures",
        st.segmented_control,
        "Find",
        list(KINDS),
        among=list(KINDS),
        required=True,
        label_visibility="collapsed",
    )
    return KINDS.get(label, ("image",))


def size(usual: Sequence[int], default: int) -> int:
    """How many answers a page shows (k); a link may name any number from 1 to 200."""
    asked = session.recall("k", default)
    choices = sorted({*usual, asked} if 1 <= asked <= 200 else usual)
    return session.linked(
        "k",
        default,
        st.selectbox,
        "Answers",
        choices,
        among=choices,
        format_func=lambda k: f"{k} a page",
        label_visibility="collapsed",
        filter_mode=None,
        width=130,
    )


def page(*, asked: str) -> int:
    """Which page of answers is open, from 0. Another question (`asked`) starts at the first."""
    if session.kept(state.ASKED, asked) != asked:
        session.forget(state.PAGE)
        session.keep(TURNS, session.kept(TURNS, 0) + 1)
    session.keep(state.ASKED, asked)
    return max(session.recall(state.PAGE, 1), 1) - 1


def paging(total: int, k: int) -> None:
    """Numbers of the pages of answers, where there is more than one.

    A page that a link names beyond the last becomes the first. Each question has a widget of its
    own: the browser would say the old question's page again at the next click.
    """
    count, now = min(-(-total // k), 1000), max(session.recall(state.PAGE, 1), 1)
    if total and now > count:
        session.forget(state.PAGE)
        st.rerun()
    if count > 1:
        key = f"_page_{session.kept(TURNS, 0)}"
        with st.container(horizontal=True, horizontal_alignment="center", key="paging"):
            st.pagination(
                count, default=now, key=key,
                on_change=lambda: session.put(state.PAGE, session.value_of(key), 1),
            )  # fmt: skip
        session.put(state.PAGE, now, 1)


def strictness() -> Strictness | None:
    """The level of the cutoff in the link; None is the default."""
    for rule, name in NAMES.items():
        value = session.peek(name, 0.0)
        if value in LEVELS[rule]:
            return Strictness(rule, value)
    return None


def level(cutoff: Cutoff) -> None:
    """How strict the cutoff is: a slider for the rule in use; part of the link."""
    name = NAMES[cutoff.rule]
    steps = sorted({*LEVELS[cutoff.rule], cutoff.usual}, reverse=cutoff.rule == "pairs")
    session.linked(
        name,
        0.0,
        st.select_slider,
        "True matches to keep" if cutoff.rule == "pairs" else "Expected false positives",
        [0.0 if step == cutoff.usual else step for step in steps],
        among=[0.0, *(step for step in steps if step != cutoff.usual)],
        format_func=lambda x: _level(cutoff, x),
        help=BY_PAIRS if cutoff.rule == "pairs" else BY_CHANCE,
    )


def _level(cutoff: Cutoff, asked: float) -> str:
    at = asked or cutoff.usual
    text = f"{1 - at:.0%}" if cutoff.rule == "pairs" else f"{at:g}"
    return text if asked else f"{text} (default)"


def settings(plugin: Plugin[Any], *, key: str = "") -> dict[str, Any]:
    """One widget for each setting of a part, made from its type and range."""
    values = {}
    for param in plugin.params:
        label = param.name.replace("_", " ").capitalize()
        name = f"_{key or plugin.name}_{param.name}"
        allowed = param.allowed
        if isinstance(allowed, Choices):
            index = allowed.values.index(param.default)
            values[param.name] = st.selectbox(
                label, allowed.values, index=index, key=name, help=allowed.help
            )
        else:
            low, high = param.type(allowed.low), param.type(allowed.high)
            values[param.name] = st.slider(
                label, low, high, param.default, key=name, help=allowed.help
            )
    return values


def download(rows: Rows, name: str, *, label: str = "CSV", key: str = "") -> None:
    """A quiet button that saves rows as CSV, which is made when it is clicked.

    Args:
        rows: what to save, or a function that makes it. It runs without a page: it asks for nothing
            that a tab remembers.
        name: the file's name without its ending.
        label: on the button.
        key: where more than one saves a file of that name.
    """
    st.download_button(
        label,
        lambda: _csv(rows() if callable(rows) else rows),
        f"{name}.csv",
        "text/csv",
        key=key or f"_save_{name}",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help="Save these numbers as a CSV file",
    )


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header. A leading sign that a spreadsheet would run is made text."""
    rows = list(rows)
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else ["empty"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
