"""Bringing things in: the drop zone, and the report of what came in."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core import ASSETS
from core.workbench import Card, EncoderSuggestion, tasks
from pages.parts import controls, formatting, problems, session, state

DROPS = "drops"
REPORT = "report"
STYLE = ASSETS / "intake.css"
TAKES = (
    "Pictures, a zip, or a table: items.jsonl, CSV, TSV, Parquet (also with ready-made vectors), "
    "COCO captions. A captions file dropped with pictures belongs to them."
)


def form(names: Sequence[str]) -> None:
    """Drop files or name a path, choose where they go, and begin."""
    fresh = session.kept(DROPS, 0)  # other keys after each success: the form is empty again
    st.html(STYLE)
    with st.form("_intake", border=False):
        with st.container(key="drop"):
            files = st.file_uploader(
                "Drop pictures, a zip, captions",
                accept_multiple_files=True,
                key=f"_drop_{fresh}",
                max_upload_size=1000,
                help=TAKES,
            )
        path = st.text_input(
            "or a folder or file on this computer",
            key=f"_path_{fresh}",
            placeholder="Pictures/holiday",
            icon=":material/folder_open:",
            help=f"Below {tasks.allowed_root()}. Pictures are read where they are, not copied: "
            "the way for large collections.",
        )
        name = st.selectbox(
            "Collection",
            names,
            index=None,
            accept_new_options=True,
            key=f"_into_{fresh}",
            placeholder="Choose one or type a new name",
        )
        encoder = choose(
            "Encoder", key=f"_with_{fresh}", placeholder="The collection's own, or starter"
        )
        if st.form_submit_button("Add", type="primary", icon=":material/add:", width="stretch"):
            with problems.shown():
                _begin(files, path, name or "", encoder)
                st.rerun()


def last(cards: Sequence[Card]) -> None:
    """The report that was asked for, or of what was just brought in."""
    for card in cards:
        if card.name == session.kept(REPORT, "") and card.last_intake:
            report(card.name, card.last_intake)


def report(name: str, intake: Mapping[str, Any]) -> None:
    """What the last ingest of a collection took in, what it had already, what it refused."""
    added, refused, repeated = intake["added"], intake["refused"], intake["repeated"]
    with st.container(border=True, key="_report"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**What came in: {formatting.plain(name)}**", width="stretch")
            rows = [{"what": "refused", **r} for r in refused]
            rows += [{"what": "repeated", "name": n, "reason": "already there"} for n in repeated]
            if rows:
                controls.download(rows, f"{name}-report")
            st.button("Close", key="_close_report", type="tertiary", on_click=close_report)
        with st.grid(5, min_column_width=110):
            st.metric("Pictures added", f"{added['image']:,}")
            st.metric("Texts added", f"{added['text']:,}")
            st.metric("Repeated", f"{len(repeated):,}")
            st.metric("Refused", f"{len(refused):,}")
            st.metric("Seconds", f"{intake['seconds']:,.1f}")
        for note in intake.get("notes", ()):
            st.caption(formatting.plain(note))
        if refused:
            st.dataframe(refused, hide_index=True, alt="Files that were refused, with the reason")
        if repeated:
            with st.expander(f"{len(repeated):,} repeated: the same content was already there"):
                st.dataframe({"name": repeated}, hide_index=True, alt="Repeated files")


def open_report(name: str) -> None:
    """Show the report of a collection's last ingest on the Collections page."""
    session.keep(REPORT, name)


def close_report() -> None:
    """Put the report away."""
    session.keep(REPORT, "")


def _begin(files: Sequence[Any], path: str, name: str, encoder: str | None) -> None:
    """Keep what was dropped, check what was typed, and start a job for each."""
    bench = state.workbench()
    sources = [tasks.allowed_path(path)] if path.strip() or not files else []
    if files:
        with st.spinner("Keeping the dropped files…"):
            sources.append(tasks.save_uploads(bench, [(file.name, file) for file in files]))
    name = name.strip() or _name_for(sources[0])
    bench.home.ensure(name)
    for source in sources:
        tasks.start(
            bench,
            "ingest",
            f"Adding {source.name} to {name}",
            name=name,
            path=str(source),
            encoder=encoder,
        )
    session.keep(DROPS, session.kept(DROPS, 0) + 1)
    open_report(name)


def _name_for(source: Path) -> str:
    """A collection's name from what was dropped: letters, digits, spaces and . _ - only."""
    name = "".join(c if c.isalnum() or c in " ._-" else " " for c in source.stem).strip()[:60]
    return name.strip() if name.strip() and name != "files" else "pictures"


HELP = (
    "Any OpenCLIP model can be typed in: `model/pretrained`, `hf-hub:owner/model`, "
    "`local-dir:folder`.\n\n"
)


def choose(label: str, *, key: str, placeholder: str) -> str | None:
    """A select box that also takes a typed name; None when nothing was chosen."""
    suggestions = _suggestions()
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
        help=HELP + notes,
    )
    if not any(s.megabytes for s in suggestions):
        st.caption("The model hub cannot be reached: starter, or a model on this computer.")
    return chosen


def _title(suggestion: EncoderSuggestion) -> str:
    if not suggestion.megabytes:
        return f"{suggestion.name}, built in"
    return f"{suggestion.name}, {suggestion.megabytes:,} MB"


@st.cache_data(ttl=600, show_spinner=False)
def _suggestions() -> tuple[EncoderSuggestion, ...]:
    return state.workbench().encoder_suggestions()
