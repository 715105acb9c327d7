"""Sextant's frame: the list of pages and the bar on top; nothing else."""

import streamlit as st

from pages.parts import frame, problems, state

sections = {
    "": [
        st.Page("pages/explore/search.py", title="Search", default=True),
        st.Page("pages/explore/map.py", title="Map"),
        st.Page("pages/measure/geometry.py", title="Geometry"),
        st.Page("pages/measure/evaluate.py", title="Evaluate"),
        st.Page("pages/explore/collections.py", title="Collections"),
    ],
    "More": [
        st.Page("pages/improve/repair.py", title="Repair"),
        st.Page("pages/improve/compress.py", title="Compress"),
        st.Page("pages/about/methods.py", title="Methods"),
        st.Page("pages/about/measurements.py", title="Measurements"),
        st.Page("pages/about/formats.py", title="Formats"),
        st.Page("pages/about/security.py", title="Security"),
    ],
}
page = st.navigation(sections, position="top")
st.set_page_config(f"{page.title} · Sextant", frame.ICON, "wide", menu_items={"About": frame.ABOUT})
with state.workbench().read_session():
    frame.bar(page, [one for pages in sections.values() for one in pages])
    with problems.door():
        page.run()
