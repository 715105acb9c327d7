"""Widgets: kinds, results per page, level of P(match), settings of a part, downloads."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import streamlit as st

from core.types import MISS, Kind
from pages.parts import session, state

# By the value in the address.
KINDS: dict[str, tuple[Kind, ...]] = {
    "Pictures": ("image",),
    "Texts": ("text",),
    "Both": ("image", "text"),
}
DIRECTIONS = {"text_to_image": "Text → image", "image_to_text": "Image → text"}
KIND_LABELS = {"Pictures": "Images", "Texts": "Texts", "Both": "Both"}

Rows: TypeAlias = Sequence[Mapping[str, Any]] | Callable[[], Sequence[Mapping[str, Any]]]

PAGE_TURNED = "page_turned"
MISSES = (MISS, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
ABOUT_LEVEL = (
    "Share of the queries with a match whose P(match) is above the level, on queries of this form "
    "with known matches. A higher share says no to fewer queries without a match."
)


def kinds() -> tuple[Kind, ...]:
    """Kinds to search for: images, texts or both; part of the link. No choice without images."""
    card = state.card()
    if card and card.texts and not card.images:
        return ("text",)
    value = session.linked(
        "kinds",
        "Pictures",
        st.segmented_control,
        "Find",
        list(KINDS),
        among=list(KINDS),
        format_func=KIND_LABELS.__getitem__,
        required=True,
        label_visibility="collapsed",
    )
    return KINDS.get(value, ("image",))


def choose_kinds(kinds: Sequence[Kind]) -> None:
    """Choose other kinds; followed by a rerun."""
    session.preset("kinds", {of: value for value, of in KINDS.items()}[tuple(kinds)])


def direction(name: str) -> str:
    """The direction that is looked at, "text_to_image" or "image_to_text"; part of the link."""
    return session.linked(
        name, "text_to_image", st.segmented_control, "Direction", list(DIRECTIONS),
        among=list(DIRECTIONS), format_func=DIRECTIONS.__getitem__, required=True,
        label_visibility="collapsed",
    )  # fmt: skip


def results_per_page(usual: Sequence[int], default: int) -> int:
    """Results per page (k); a link may name any number from 1 to 200."""
    current = session.read("k", default)
    choices = sorted({*usual, current} if 1 <= current <= 200 else usual)
    return session.linked(
        "k",
        default,
        st.selectbox,
        "Results per page",
        choices,
        among=choices,
        format_func=lambda k: f"{k} per page",
        label_visibility="collapsed",
        filter_mode=None,
        width=130,
    )


def page(*, query: str) -> int:
    """The open page of results, from 0. Another query (its key) starts at the first."""
    if session.get(state.LAST_QUERY, query) != query:
        session.forget(state.PAGE)
        session.store(PAGE_TURNED, False)
    session.store(state.LAST_QUERY, query)
    return max(session.read(state.PAGE, 1), 1) - 1


def paging(total: int, k: int) -> None:
    """Links to the pages of results, where there is more than one.

    A page in a link that is beyond the last becomes the first.
    """
    count, now = min(-(-total // k), 1000), max(session.read(state.PAGE, 1), 1)
    if total and now > count:
        session.forget(state.PAGE)
        st.rerun()
    if count > 1:
        session.set_widget("_page", now)  # it may be that of the query before
        with st.container(horizontal=True, horizontal_alignment="center", key="paging"):
            st.pagination(count, key="_page", on_change=_turn_page)
        session.write(state.PAGE, now, 1)
    if session.get(PAGE_TURNED, False):
        session.store(PAGE_TURNED, False)
        script = f"document.querySelector('.st-key-results')?.scrollIntoView() // page {now}"
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _turn_page() -> None:
    """Open another page of results, from its first one; a callback."""
    session.write(state.PAGE, session.value_of("_page"), 1)
    session.store(PAGE_TURNED, True)


def miss() -> float:
    """The miss rate in the link, or the default."""
    value = session.peek("miss", MISS)
    return value if value in MISSES else MISS


def level() -> None:
    """A slider for the level of P(match) below which probably nothing matches; in the link."""
    session.linked(
        "miss",
        MISS,
        st.select_slider,
        "Cutoff",
        MISSES[::-1],
        among=MISSES,
        format_func=level_name,
        help=ABOUT_LEVEL,
        width=150,
    )


def level_name(miss: float) -> str:
    """A level of P(match) by the share of the queries with a match that are above it.

    >>> level_name(0.2)
    'keeps 80%'
    """
    return f"keeps {1 - miss:.0%}"


def download(
    rows: Rows,
    name: str,
    *,
    label: str = "CSV",
    key: str = "",
    help: str = "Save these numbers as a CSV file",
) -> None:
    """A button that saves rows as CSV, created when it is clicked.

    Args:
        rows: what to save, or a function that returns it; it runs outside the page and may not
            read the session.
        name: the file's name without its extension.
        label: on the button.
        key: tells buttons with the same file name apart.
        help: what is saved.
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
        help=help,
    )


def _csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a header; cells that a spreadsheet would run as a formula are quoted."""
    rows = list(rows)
    out = io.StringIO()
    names = list(rows[0]) if rows else ["empty"]
    writer = csv.writer(out, lineterminator="\n")
    table = (names, *([row.get(name) for name in names] for row in rows))
    writer.writerows([_cell(value) for value in values] for values in table)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value
