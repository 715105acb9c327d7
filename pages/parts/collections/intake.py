"""Adding data: the form with its choice of an encoder, and the report of the last ingest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core import ASSETS
from core.workbench import Card, EncoderSuggestion, tasks
from pages.parts import controls, formatting, jobs, problems, session, state

SEARCH = "pages/explore/search.py"
UPLOADS = "uploads_added"
REPORT = "report"
STYLE = ASSETS / "intake.css"
ABOUT_ENCODERS = (
    "Any OpenCLIP model can be typed: `model/pretrained`, `hf-hub:owner/model`, "
    "`local-dir:folder`.\n\n"
)
FORMATS = (
    "Images, a zip file, or a table: items.jsonl, CSV, TSV, Parquet (with precomputed "
    "vectors too), COCO captions. Captions are joined to the images uploaded with them."
)


def form(names: Sequence[str]) -> None:
    """The form: files or a path, the collection and the encoder."""
    form_id = session.get(UPLOADS, 0)  # new keys after each submission empty the form
    st.html(STYLE)
    with st.form("_intake", border=False):
        with st.container(key="drop"):
            files = st.file_uploader(
                "Drop images, a zip file, captions",
                accept_multiple_files=True,
                key=f"_drop_{form_id}",
                max_upload_size=1000,
                help=FORMATS,
            )
        path = st.text_input(
            "or a folder or file on this computer",
            key=f"_path_{form_id}",
            placeholder="photos/holiday",
            icon=":material/folder_open:",
            help=f"Within {formatting.plain(tasks.allowed_root())}; for another folder start the "
            "app with `sextant serve --root DIR`. Files are read in place, not copied; recommended "
            "for large collections.",
        )
        name = st.selectbox(
            "Collection",
            names,
            index=None,
            accept_new_options=True,
            key=f"_into_{form_id}",
            placeholder="Choose or type a new name",
        )
        encoder = choose(
            "Encoder", key=f"_with_{form_id}", placeholder="The collection's encoder, or starter"
        )
        if st.form_submit_button("Add", type="primary", icon=":material/add:", width="stretch"):
            with problems.shown():
                _begin(files, path, name or "", encoder)
                st.rerun()


def last(cards: Sequence[Card]) -> None:
    """The report that is open."""
    for card in cards:
        if (
            card.name == session.get(REPORT, "")
            and card.last_intake
            and not jobs.filling(card.name)
        ):
            report(card.name, card.last_intake)


def report(name: str, intake: Mapping[str, Any]) -> None:
    """The report of the last ingest: what can be searched now, and what was not read and why."""
    added, rejected, repeated = intake["added"], intake["refused"], intake["repeated"]
    rows = [{"status": "not read", **r} for r in rejected]
    rows += [{"status": "repeated", "name": n, "reason": "identical to another"} for n in repeated]
    with st.container(border=True, key="_report", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Ingest report: {formatting.plain(name)}**", width="stretch")
            if rows:
                controls.download(rows, f"{name}-report")
            st.button("Close", key="_close_report", type="tertiary", on_click=close_report)
        with st.grid(5, min_column_width=110):
            st.metric("Images added", f"{added['image']:,}")
            st.metric("Texts added", f"{added['text']:,}")
            st.metric("Repeated", f"{len(repeated):,}")
            st.metric("Not read", f"{len(rejected):,}")
            st.metric("Seconds", f"{intake['seconds']:,.1f}")
        st.page_link(
            SEARCH, label=f":primary[{_search(added)}]", icon=":material/search:",
            query_params={state.COLLECTION: name},
        )  # fmt: skip
        for note in intake.get("notes", ()):
            st.caption(formatting.plain(note))
        if rejected:
            st.caption(f"{formatting.count(len(rejected), 'file')} not read:")
            st.dataframe(rejected, hide_index=True, alt="Files that were not read, and why")
        if repeated:
            with st.expander(
                f"{len(repeated):,} repeated: the same content is already in the collection"
            ):
                st.dataframe({"name": repeated}, hide_index=True, alt="Repeated files")


def _search(added: Mapping[str, int]) -> str:
    """The label of the link to Search.

    >>> _search({"image": 12, "text": 0}), _search({"image": 0, "text": 0})
    ('Search these 12 images', 'Search the collection')
    """
    for kind in ("image", "text"):
        if added[kind]:
            these = "this" if added[kind] == 1 else "these"
            return f"Search {these} {formatting.count(added[kind], kind)}"
    return "Search the collection"


def open_report(name: str) -> None:
    """Show the report of a collection's last ingest on the Collections page."""
    session.store(REPORT, name)


def close_report() -> None:
    """Close the report."""
    session.store(REPORT, "")


def choose(label: str, *, key: str, placeholder: str) -> str | None:
    """A select box for an encoder, or a typed name; None when empty."""
    suggestions = state.encoder_suggestions()
    offered = {s.name: _title(s) for s in suggestions}
    notes = "\n".join(f"- **{formatting.plain(s.name)}**: {s.note}" for s in suggestions)
    chosen: str | None = st.selectbox(
        label,
        list(offered),
        index=None,
        accept_new_options=True,
        format_func=lambda name: offered.get(name, name),
        key=key,
        placeholder=placeholder,
        help=ABOUT_ENCODERS + notes,
    )
    if not any(s.megabytes for s in suggestions):
        st.caption("The model hub is not reachable. Use starter or a model on this computer.")
    return chosen


def _begin(files: Sequence[Any], path: str, name: str, encoder: str | None) -> None:
    """Save the uploaded files, check the path, and start a job for each."""
    bench = state.workbench()
    sources = [tasks.allowed_path(path)] if path.strip() or not files else []
    if files:
        with st.spinner("Saving the uploaded files…"):
            sources.append(tasks.save_uploads(bench, [(file.name, file) for file in files]))
    name = name.strip() or _name_for(sources[0])
    bench.check_name(name)
    for source in sources:
        tasks.start(
            bench,
            "ingest",
            f"Adding {source.name} to {name}",
            name=name,
            path=str(source),
            encoder=encoder,
        )
    session.store(UPLOADS, session.get(UPLOADS, 0) + 1)
    open_report(name)


def _name_for(source: Path) -> str:
    """A collection name from a file name: letters, digits, spaces and . _ - only."""
    name = "".join(c if c.isalnum() or c in " ._-" else " " for c in source.stem).strip()[:60]
    return name.strip() if name.strip() and name != "files" else "images"


def _title(suggestion: EncoderSuggestion) -> str:
    if not suggestion.megabytes:
        return f"{suggestion.name}, built in"
    return f"{suggestion.name}, {suggestion.megabytes:,} MB"
