"""Exporting a collection: choose a form, and what was exported earlier."""

from datetime import datetime

import streamlit as st

from core.workbench import Card, SavedExport, tasks
from pages.parts import formatting, problems, state

LARGEST_DOWNLOAD = 1_000_000_000  # bytes; the server holds it in memory


@st.dialog("Export the collection", width="large")
@problems.guarded
def dialog(card: Card) -> None:
    """Start an export in the background, and offer those that are done."""
    bench = state.workbench()
    forms = bench.export_forms()
    form = st.radio(
        "Form", list(forms), key="_export_form", captions=list(forms.values()),
        format_func=lambda name: NAMES[name],
    )  # fmt: skip
    vectors = st.checkbox("With vectors", value=True, key="_export_vectors")
    if st.button("Export", key="_do_export", type="primary", icon=":material/download:"):
        with problems.shown():
            title = f"Exporting {card.name} as {NAMES[form]}"
            tasks.start(bench, "export", title, name=card.name, form=form, vectors=vectors)
            st.rerun()
    st.caption(
        "Captions, labels, tags, attributes and pairs go along. Adding an export gives the same "
        "items again."
    )
    saved = bench.saved_exports(card.name)
    if saved:
        st.markdown("###### Earlier exports", anchors=False)
        for n, one in enumerate(saved):
            _saved(n, one)


NAMES = {
    "parquet": "Parquet",
    "csv": "CSV",
    "jsonl": "JSON lines",
    "webdataset": "WebDataset",
    "lance": "Lance",
    "folder": "Folder of images",
}


def _saved(n: int, one: SavedExport) -> None:
    """One export: where it lies, how large it is, and what can be done with it."""
    made, size = datetime.fromtimestamp(one.made), one.size
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            formatting.plain(f"{one.place.name}, {size / 1e6:,.1f} MB, {made:%d %b %H:%M}"),
            width="stretch",
        )
        if size <= LARGEST_DOWNLOAD:
            name = one.place.name if one.is_file else f"{one.place.stem}.zip"
            st.download_button(
                "Download" if one.is_file else "Download (zip)", one.read, name,
                key=f"_download_export_{n}", icon=":material/download:", type="tertiary",
                on_click="ignore",
            )  # fmt: skip
        if st.button(
            "Delete", key=f"_delete_export_{n}", icon=":material/delete:", type="tertiary"
        ):
            state.workbench().delete_export(one)
            st.rerun(scope="fragment")
    st.code(str(one.place), language=None, wrap_lines=True)
