"""Questions kept with the collection, and those of this visit: each a link back to its answers."""

from urllib.parse import parse_qs, urlencode

import streamlit as st

from pages.parts import controls, filters, formatting, problems, ranking_options, session, state
from pages.parts.query import own

LEVELS = tuple(controls.NAMES.values())
NAMES = (state.TEXT, state.ALSO, "kinds", "mix", *ranking_options.NAMES, *LEVELS)
FILTERS = "filters"  # all of them under one name, written as in the link
MOST = 12


def popover() -> None:
    """Save the question that is asked, and open one that was saved or asked before.

    What is in it is drawn when it is opened.
    """
    now = _now()
    _note(now)
    with st.popover(
        "Saved", icon=":material/bookmark:", key="_saved", type="tertiary", on_change="rerun"
    ) as box:
        if box.open:
            with st.container(key="saved", width=380), problems.shown():
                _inside(now)


def _inside(now: dict[str, str]) -> None:
    st.button(
        "Save this question", key="_save_query", icon=":material/bookmark_add:",
        disabled=not _title(now), on_click=_save, args=(now,),
    )  # fmt: skip
    if session.kept(state.PICTURE, b""):
        st.caption("A picture of your own is not part of links and saved questions.")
    kept = state.workbench().saved_queries(state.collection())
    _list("Saved with this collection", kept, "kept", removable=True)
    _list("Asked in this visit", session.kept(state.HISTORY, ()), "asked", removable=False)


def _now() -> dict[str, str]:
    """What the link says of the question that is open."""
    link = {name: st.query_params.get_all(name) for name in st.query_params}
    now = {name: link[name][-1] for name in NAMES if name in link and name not in LEVELS}
    levels = {name: session.peek(name, 0.0) for name in LEVELS}  # are drawn below, with the answers
    on = [(name, text) for name in sorted(link) if filters.named(name) for text in link[name]]
    now |= {name: str(level) for name, level in levels.items() if level}
    return now | ({FILTERS: urlencode(on)} if on else {})


def _title(query: dict[str, str]) -> str:
    return " and ".join(query[name] for name in (state.TEXT, state.ALSO) if name in query)


def _note(query: dict[str, str]) -> None:
    """Remember the question as the newest of this visit; what grows while typing counts once."""
    past = list(session.kept(state.HISTORY, ()))
    if not _title(query) or (past and past[0] == query):
        return
    if past and _title(query).startswith(_title(past[0])):
        past = past[1:]
    session.keep(state.HISTORY, (query, *(p for p in past if p != query))[:MOST])


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
                    "Forget", key=f"_forget_{i}", type="tertiary", icon=":material/close:",
                    on_click=_remove, args=(query,),
                )  # fmt: skip


def _settings(query: dict[str, str]) -> str:
    rest = {n: v for n, v in query.items() if n not in (state.TEXT, state.ALSO, FILTERS)}
    on = {name: " and ".join(texts) for name, texts in _filters(query).items()}
    return formatting.plain(", ".join(f"{name}: {text}" for name, text in (rest | on).items()))


def _filters(query: dict[str, str]) -> dict[str, list[str]]:
    """What a question says of filters, by their names in the link."""
    found = parse_qs(query.get(FILTERS, ""), keep_blank_values=True)
    return {name: texts for name, texts in found.items() if filters.named(name)}


def _open(query: dict[str, str]) -> None:
    """As if its link were opened: whatever it does not name is as usual."""
    own(b"")  # a picture from outside is no part of it
    on = _filters(query)
    for name in {*filter(filters.named, st.query_params), *on}:
        session.follow(name, on.get(name, ()))
    for name in NAMES:
        session.follow(name, [query[name]] if name in query else ())
    st.rerun()  # all of the page: some of it stands beside what follows the typing
