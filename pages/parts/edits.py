"""What can be done with selected items: tag, label, export, delete, and undo of the last edit."""

import json
from collections.abc import Callable, Sequence

import streamlit as st

from pages.parts import controls, formatting, gallery, problems, session, state

MOST_IN_ONE_FILE = 50_000  # items; the server holds the file in memory
EDITED = "edited"  # what this session has edited last: the collection, and the edit


def actions(
    ids: Sequence[str],
    *,
    done: Callable[[], None],
    of: str = "",
    more: gallery.More | None = None,
) -> None:
    """Buttons in a row.

    Args:
        ids: the selected items.
        done: called after a deletion: nothing is selected any more.
        of: prefix of the keys, for a second selection on the site.
        more: gives further columns of an exported table, by id.
    """
    with st.popover("Tag", icon=":material/sell:", type="tertiary"), problems.shown():
        _tag(ids, of)
    with st.popover("Label", icon=":material/label:", type="tertiary"), problems.shown():
        _label(ids, of)
    with st.popover("Export", icon=":material/download:", type="tertiary"):
        _export(ids, of, more)
    with st.popover("Delete", icon=":material/delete:", type="tertiary"), problems.shown():
        _delete(ids, done, of)


def _export(ids: Sequence[str], of: str, more: gallery.More | None) -> None:
    """Downloads of some items: tables, ids, or everything."""
    bench, name = state.workbench(), state.collection()
    rows = gallery.item_rows(ids, more)
    controls.download(
        rows, f"{of}selection", label="CSV",
        help="Paths, captions, labels, tags and attributes, for spreadsheets",
    )  # fmt: skip
    for label, file, save, about in (
        (
            "JSON lines",
            f"{name}.jsonl",
            lambda: "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows()),
            "The same, one object per item",
        ),
        ("Ids", f"{name}-ids.txt", lambda: "".join(f"{id_}\n" for id_ in ids), "One per line"),
    ):
        st.download_button(
            label, save, file, "text/plain", key=f"_{of}save_{label.lower()}", type="tertiary",
            icon=":material/download:", on_click="ignore", help=about,
        )  # fmt: skip
    for form, label, file, about in (
        (
            "parquet",
            "Parquet, with vectors",
            f"{name}.parquet",
            "One file with everything but the pixels",
        ),
        ("folder", "Images (zip)", f"{name}.zip", "Every image as a file, items.jsonl and vectors"),
    ):
        st.download_button(
            label, lambda form=form: bench.exported_file(name, form, ids=ids), file,
            key=f"_{of}save_{form}", type="tertiary", icon=":material/download:",
            on_click="ignore", help=f"{about}. Added again, it gives the same items.",
            disabled=len(ids) > MOST_IN_ONE_FILE,
        )  # fmt: skip
    if len(ids) > MOST_IN_ONE_FILE:
        st.caption(
            f"Files with vectors or images are made of {MOST_IN_ONE_FILE:,} items at most here. "
            "Save the selection, then `sextant export` with its tag as a filter."
        )


def undo(of: str = "") -> None:
    """A button that undoes the last edit, where this session made it."""
    bench, name = state.workbench(), state.collection()
    last = session.get(EDITED, ())
    if not last or last != (name, bench.last_edit(name)):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{of}undo"):
        st.caption(f"{formatting.plain(last[1])}.", width="content")
        if st.button("Undo", key=f"_{of}undo", icon=":material/undo:", type="tertiary"):
            with problems.shown():
                bench.undo(name)
                st.rerun()


def edited() -> None:
    """Note the edit that was made, and draw the whole page: its filters and colors may change."""
    note()
    st.rerun()


def note() -> None:
    """Note the edit that was made, so that `undo` offers to undo it; in a callback."""
    name = state.collection()
    session.store(EDITED, (name, state.workbench().last_edit(name)))


def _tag(ids: Sequence[str], of: str) -> None:
    bench, name = state.workbench(), state.collection()
    known = bench.tag_names(name)
    tag = st.selectbox(
        "Tag", known, index=None, key=f"_{of}tag", accept_new_options=True,
        placeholder="Choose or type a tag",
    )  # fmt: skip
    with st.container(horizontal=True):
        if st.button("Add tag", key=f"_{of}tag_add", type="primary", disabled=not tag):
            bench.tag(name, tag, ids)
            edited()
        if st.button("Remove tag", key=f"_{of}tag_remove", disabled=not tag or tag not in known):
            bench.untag(name, tag, ids)
            edited()
    st.caption("Tags are a filter here and in Geometry.")


def _label(ids: Sequence[str], of: str) -> None:
    bench, name = state.workbench(), state.collection()
    known = next((field.values for field in bench.fields(name) if field.name == "label"), ())
    label = st.selectbox(
        "Label", known, index=None, key=f"_{of}label", accept_new_options=True,
        placeholder="Choose or type a label",
    )  # fmt: skip
    with st.container(horizontal=True):
        if st.button("Set label", key=f"_{of}label_set", type="primary", disabled=not label):
            bench.set_labels(name, ids, [str(label)])
            edited()
        if st.button("Remove labels", key=f"_{of}label_remove"):
            bench.set_labels(name, ids, [])
            edited()
    st.caption(
        f"Replaces all labels of {formatting.count(len(ids), 'item')}, also when the source is "
        "added again."
    )


def _delete(ids: Sequence[str], done: Callable[[], None], of: str) -> None:
    st.caption(
        f"Deletes {formatting.count(len(ids), 'item')} with pairs and vectors from the collection, "
        "also when the source is added again. Image files themselves are not deleted."
    )
    if st.button(f"Delete {len(ids):,}", key=f"_{of}delete_picked", type="primary"):
        state.workbench().delete_items(state.collection(), list(ids))
        done()
        edited()
