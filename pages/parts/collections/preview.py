"""What would be read, before anything is encoded: how, and the first records with their images."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import streamlit as st

from core.workbench import Preview, ReadOptions
from pages.parts import formatting, gallery, problems, state
from pages.parts.collections import reading

SEPARATORS = {"": "Detected", ",": "comma", ";": "semicolon", "tab": "tab", "|": "|"}
ATTRIBUTES = 12  # shown
FILES = "files.zip"  # what uploaded files without a zip are packed into


@st.dialog("Preview", width="large")
@problems.guarded
def show(sources: Sequence[Path], name: str, add: Callable[[ReadOptions], None]) -> None:
    """The dialog, with the choice of another reading.

    Args:
        sources: what would be read.
        name: the collection that it would be added to, "" for new ones.
        add: adds it, as it is read here.
    """
    below = st.container()
    options = _differently(sources[0])
    readable = False
    with below:
        for source in sources:
            with problems.shown():
                with st.spinner("Reading…"):
                    found = state.preview(str(source), options, name)
                _draw(found)
                readable = True
    if st.button(
        "Add", key="_add_previewed", type="primary", icon=":material/add:", disabled=not readable
    ):
        with problems.shown():
            add(options)
            st.rerun()


def _draw(found: Preview) -> None:
    n = found.seen if found.total is None else found.total
    at_least = "at least " if found.total is None else ""
    title = formatting.plain("The files" if found.name == FILES else found.name)
    st.markdown(f"**{title}**: {at_least}{formatting.count(n, 'record')}. Nothing is stored yet.")
    reading.how(found.form, found.columns, [asdict(aside) for aside in found.left_aside])
    st.dataframe(
        _table(found.rows),
        hide_index=True,
        row_height=64,
        column_config={
            "_image": st.column_config.ImageColumn("Image", width=80),
            "_name": "Name",
            "_captions": "Captions",
            "_labels": "Labels",
            "_problem": "Not readable",
        },
        alt="The first records",
    )
    if found.rejected:
        with st.expander(f"{len(found.rejected):,} not read", expanded=True):
            st.dataframe(
                [{"name": r.name, "reason": r.reason} for r in found.rejected[:1000]],
                hide_index=True,
                alt="What would not be read, and why",
            )
    for note in found.notes:
        st.caption(formatting.plain(note))


def _table(rows: Sequence[Any]) -> dict[str, list[str]]:
    """Records as columns of texts; those without any are left out."""
    attributes = list(dict.fromkeys(name for row in rows for name in row.attributes))[:ATTRIBUTES]
    columns = {
        "_image": [gallery.data_uri(row.thumbnail) for row in rows],
        "_name": [row.name for row in rows],
        "_captions": ["\n".join(row.captions) for row in rows],
        "_labels": [", ".join(row.labels) for row in rows],
        "_problem": [row.problem for row in rows],
    }
    columns |= {name: [str(row.attributes.get(name, "")) for row in rows] for name in attributes}
    return {name: texts for name, texts in columns.items() if any(texts)}


def _differently(source: Path) -> ReadOptions:
    """The form, the columns and the separator, where they shall not be detected."""
    columns = state.columns_of(str(source))
    with st.expander("Read differently", icon=":material/tune:", key="_differently"):
        with st.container(horizontal=True):
            form = st.selectbox(
                "Form", ["", *reading.TITLES], key="_form",
                format_func=lambda name: reading.TITLES.get(name, "Detected"),
            )  # fmt: skip
            separator = st.selectbox(
                "Separator", list(SEPARATORS), key="_separator",
                format_func=SEPARATORS.__getitem__, width=160,
            )  # fmt: skip
        with st.container(horizontal=True):
            image, vector = (
                st.selectbox(
                    label, columns, index=None, key=key,
                    accept_new_options=True, placeholder="Detected",
                )
                for label, key in (
                    ("Image column", "_image_column"), ("Vector column", "_vector_column")
                )
            )  # fmt: skip
            captions, labels = (
                st.multiselect(
                    label, columns, key=key, accept_new_options=True, placeholder="Detected",
                    format_func=formatting.plain,
                )
                for label, key in (
                    ("Caption columns", "_caption_columns"), ("Label columns", "_label_columns")
                )
            )  # fmt: skip
    return ReadOptions(
        form=form,
        image_column=image or "",
        caption_column=",".join(captions),
        label_column=",".join(labels),
        vector_column=vector or "",
        separator=separator,
    )
