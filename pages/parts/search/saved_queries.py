"""Queries saved with the collection, and those of this session; opening one restores its link."""

from urllib.parse import parse_qs, urlencode

import streamlit as st

from core.types import MISS
from pages.parts import controls, filters, formatting, problems, ranking_options, session, state
from pages.parts.query import set_image

MISS_RATE = "miss"
NAMES = (state.TEXT, state.ALSO, "kinds", "mix", *ranking_options.NAMES, "vs", MISS_RATE)
FILTERS = "filters"  # all filters and preferences under one name, written as in the link
MAX_HISTORY = 12


def popover() -> None:
    """Save the current query, or open a saved or recent one; drawn when opened."""
    current = _current()
    _remember(current)
    with st.popover(
        "Save", icon=":material/bookmark:", key="_saved", type="tertiary", on_change="rerun"
    ) as box:
        if box.open:
            with st.container(key="saved", width=380), problems.shown():
                _inside(current)


def _inside(current: dict[str, str]) -> None:
    st.button(
        "Save this query", key="_save_query", icon=":material/bookmark_add:",
        disabled=not _title(current), on_click=_save, args=(current,),
    )  # fmt: skip
    if session.get(state.IMAGE, b""):
        st.caption("An uploaded image is not part of links and saved queries.")
    saved = state.workbench().saved_queries(state.collection())
    _list("Saved with this collection", saved, "saved", removable=True)
    _list("Recent", session.get(state.HISTORY, ()), "recent", removable=False)


def _current() -> dict[str, str]:
    """The query on screen, as in its link."""
    link = {name: st.query_params.get_all(name) for name in st.query_params}
    current = {name: link[name][-1] for name in NAMES if name in link and name != MISS_RATE}
    miss = controls.miss()  # drawn later, with the results
    on = [(name, text) for name in sorted(link) if _has_values(name) for text in link[name]]
    current |= {MISS_RATE: str(miss)} if miss != MISS else {}
    return current | ({FILTERS: urlencode(on)} if on else {})


def _title(query: dict[str, str]) -> str:
    return " and ".join(query[name] for name in (state.TEXT, state.ALSO) if name in query)


def _remember(query: dict[str, str]) -> None:
    """Put the query first in this session's history; one that grows while typing counts once."""
    history = list(session.get(state.HISTORY, ()))
    if not _title(query) or (history and history[0] == query):
        return
    if history and _title(query).startswith(_title(history[0])):
        history = history[1:]
    session.store(state.HISTORY, (query, *(old for old in history if old != query))[:MAX_HISTORY])


def _save(query: dict[str, str]) -> None:
    state.workbench().save_query(state.collection(), query)


def _remove(query: dict[str, str]) -> None:
    state.workbench().forget_query(state.collection(), query)


def _list(title: str, queries: object, key: str, *, removable: bool) -> None:
    if not queries:
        return
    st.caption(title)
    for i, query in enumerate(queries):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
            st.button(
                formatting.plain(formatting.shorten(_title(query), 44)),
                key=f"_{key}_{i}", type="tertiary",
                on_click=_open, args=(query,), help=_settings(query) or None, width="stretch",
            )  # fmt: skip
            if removable:
                st.button(
                    "Delete", key=f"_forget_{i}", type="tertiary", icon=":material/close:",
                    on_click=_remove, args=(query,),
                )  # fmt: skip


def _settings(query: dict[str, str]) -> str:
    rest = {n: v for n, v in query.items() if n not in (state.TEXT, state.ALSO, FILTERS)}
    on = {name: " and ".join(texts) for name, texts in _filters(query).items()}
    return formatting.plain(", ".join(f"{name}: {text}" for name, text in (rest | on).items()))


def _filters(query: dict[str, str]) -> dict[str, list[str]]:
    """The filters and preferences of a query, by their names in the link."""
    parsed = parse_qs(query.get(FILTERS, ""), keep_blank_values=True)
    return {name: texts for name, texts in parsed.items() if _has_values(name)}


def _has_values(name: str) -> bool:
    """Whether a name is in the link once for each value."""
    return filters.named(name) or name == ranking_options.PREFER


def _open(query: dict[str, str]) -> None:
    """As if its link were opened: what it does not name becomes the default."""
    set_image()  # an uploaded image is not part of a link
    on = _filters(query)
    for name in {*filter(_has_values, st.query_params), *on}:
        session.open_link(name, on.get(name, ()))
    for name in NAMES:
        session.open_link(name, [query[name]] if name in query else ())
    st.rerun()  # the whole page, not only the fragment
