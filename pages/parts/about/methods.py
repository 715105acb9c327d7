"""The catalog on a page: parts by family, with their reading, settings and source."""

from collections.abc import Sequence

import streamlit as st

from core import measure
from core.workbench import Entry, catalog
from pages.parts import formatting, session

ALL = "All"


def chosen() -> list[Entry]:
    """The parts of the selected family; part of the link."""
    entries = catalog.entries()
    families = [ALL, *dict.fromkeys(e.family for e in entries)]
    family = session.linked(
        "part",
        ALL,
        st.pills,
        "Family",
        families,
        among=families,
        required=True,
        label_visibility="collapsed",
    )
    return [e for e in entries if family in (ALL, e.family)]


def show(entries: Sequence[Entry]) -> None:
    """One card for each part."""
    with st.grid(2, min_column_width=380) as grid:
        for entry in entries:
            with grid.cell(), st.container(border=True, key=f"_entry_{entry.kind}_{entry.name}"):
                _entry(entry)


def _entry(entry: Entry) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{entry.title}**", width="stretch")
        st.badge(entry.family, color="gray")
    st.markdown(formatting.plain(entry.summary))
    with st.expander("How to read it", type="compact"):
        st.markdown(measure.reading(entry.about) or formatting.plain(entry.summary))
        if rule := entry.threshold:
            st.caption(
                f"Verdict. {formatting.plain(rule.words)} ({formatting.plain(rule.source)})."
            )
        for name, default, what in entry.settings:
            st.caption(f"`{name}` = {default}: {formatting.plain(what)}")
    st.caption(formatting.plain(entry.source))
