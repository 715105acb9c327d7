"""The way that search uses, and its file."""

import streamlit as st

from core.workbench import Lab, Way
from pages.parts import formatting, problems, session, state


def keep(lab: Lab, way: Way) -> None:
    """Keep codes for search, or save them as a file that a few lines of numpy decode."""
    bench, opened = state.workbench(), state.opened()
    found = bench.kept_way(opened)
    st.caption(formatting.plain(lab.of(way).rstrip(",") + "."))
    if way.preference:
        st.caption(formatting.plain(way.preference.sentence))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Keep for search", type="primary", icon=":material/bookmark_add:"):
            with problems.shown(), st.spinner("Encoding all items…"):
                bench.keep_way(opened, way.way, lab.level)
                session.store("first", "compressed")
                st.rerun()
        st.download_button(
            "Save as a file", lambda: bench.way_bytes(opened, way.way), "compressed.safetensors",
            "application/octet-stream", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        if found and st.button("Delete kept codes", icon=":material/delete:", type="tertiary"):
            bench.delete_kept_way(opened)
            st.rerun()
    if found:
        prefer = " Ranking > Prefer moves labels up." if found.get("attributes") else ""
        st.caption(
            f"Kept: {formatting.plain(found['sentence'])} Search uses it with Ranking > First "
            f"stage > Kept codes.{prefer}"
        )
    with st.expander("Use the file in another program"):
        st.code(way.decoder, language="python")
