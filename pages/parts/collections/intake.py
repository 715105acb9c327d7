"""Adding data: files or a path, the collection and the encoder, and a preview."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import count
from pathlib import Path, PurePath
from typing import Any

import streamlit as st

from core import ASSETS
from core.workbench import IMAGE_SUFFIXES, EncoderSuggestion, ReadOptions, tasks
from pages.parts import formatting, problems, session, state
from pages.parts.collections import preview
from pages.parts.collections.report import open_report

UPLOADS = "uploads_added"
SAVED = "uploads_saved"
STYLE = ASSETS / "intake.css"
UNNAMED = "images"
AS_DETECTED = ReadOptions()
ABOUT_ENCODERS = (
    "Any OpenCLIP model can be typed: `model/pretrained`, `hf-hub:owner/model`, "
    "`local-dir:folder`.\n\n"
)
FORMATS = (
    "Images, a zip file, or a table: items.jsonl, CSV, TSV, Parquet (with precomputed "
    "vectors too), COCO captions. Captions are joined to the images uploaded with them. "
    "All forms: More, Formats."
)


def form(names: Sequence[str]) -> None:
    """The form: files or a path, the collection and the encoder."""
    form_id = session.get(UPLOADS, 0)  # new keys after each submission empty the form
    st.html(STYLE)
    with st.container(key="intake"):
        with st.container(key="drop"):
            files = st.file_uploader(
                "Drop images, a zip file, captions",
                accept_multiple_files=True,
                key=f"_drop_{form_id}",
                max_upload_size=st.get_option("server.maxUploadSize"),
                help=FORMATS,
            )
        path = _path(form_id)
        suggested = _suggested([file.name for file in files], path, names)
        name = st.selectbox(
            "Collection",
            names,
            index=None,
            accept_new_options=True,
            key=f"_into_{form_id}",
            placeholder=f"{suggested}, or choose" if suggested else "Choose or type a new name",
        )
        encoder = choose(
            "Encoder", key=f"_with_{form_id}", placeholder="The collection's encoder, or starter"
        )
        into = (name or suggested).strip()
        with st.container(horizontal=True, key="intake_actions"):
            added = st.button("Add", type="primary", icon=":material/add:", width="stretch")
            previewed = st.button(
                "Preview", icon=":material/visibility:", width="stretch", key="_preview",
                help="How it is read, with the first images; nothing is stored.",
            )  # fmt: skip
    with problems.shown():
        if previewed:
            sources = _sources(files, path)
            preview.show(sources, into, partial(_begin, sources, into, encoder))
        elif added:
            _begin(_sources(files, path), into, encoder, AS_DETECTED)
            st.rerun()


def _path(form_id: int) -> str:
    """The field for a path, where the app may read a folder."""
    root = tasks.allowed_root()
    if root is None:
        return ""
    return st.text_input(
        "or a folder or file on this computer",
        key=f"_path_{form_id}",
        placeholder="photos/holiday",
        icon=":material/folder_open:",
        help=f"Within {formatting.plain(root)}; for another folder start the app with "
        "`sextant serve --root DIR`. Files are read in place, not copied; recommended for large "
        "collections.",
    )


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


def _sources(files: Sequence[Any], path: str) -> list[Path]:
    """What is to be read: the path, checked, and the uploaded files, saved once."""
    sources = [tasks.allowed_path(path)] if path.strip() or not files else []
    if files:
        ids = tuple(file.file_id for file in files)
        before, saved = session.get(SAVED, ((), Path()))
        if before != ids:
            if before:
                tasks.discard_upload(state.workbench(), saved)
            with st.spinner("Saving the uploaded files…"):
                saved = tasks.save_uploads(state.workbench(), [(f.name, f) for f in files])
            session.store(SAVED, (ids, saved))
        sources.append(saved)
    return sources


def _begin(sources: Sequence[Path], name: str, encoder: str | None, options: ReadOptions) -> None:
    """Start a job for each source."""
    bench = state.workbench()
    bench.check_name(name)
    for source in sources:
        tasks.start(
            bench,
            "ingest",
            f"Adding {'files' if source.name == preview.FILES else source.name} to {name}",
            name=name,
            path=str(source),
            encoder=encoder,
            options=asdict(options),
        )
    session.store(SAVED, ((), Path()))
    session.store(UPLOADS, session.get(UPLOADS, 0) + 1)
    open_report(name)


def _suggested(files: Sequence[str], path: str, names: Sequence[str]) -> str:
    """A name for the collection: letters, digits, spaces and . _ - only; "" without a source.

    >>> _suggested([], "photos/holiday 2024", []), _suggested(["b.zip", "a.png"], "", [])
    ('holiday 2024', 'b')
    >>> _suggested(["a.png"], "", ["images"]), _suggested([], "", [])
    ('images 2', '')
    """
    named = [path] if path.strip() else [f for f in files if f.lower().endswith(".zip")]
    if not named and len(files) == 1 and not files[0].lower().endswith(IMAGE_SUFFIXES):
        named = [files[0]]
    stem = PurePath(named[0].strip().strip("'\"")).stem if named else ""
    name = "".join(c if c.isalnum() or c in " ._-" else " " for c in stem)[:60].strip()
    if name or not (named or files):
        return name
    number = next(n for n in count(1) if _numbered(n) not in names)
    return _numbered(number)


def _numbered(number: int) -> str:
    return UNNAMED if number == 1 else f"{UNNAMED} {number}"


def _title(suggestion: EncoderSuggestion) -> str:
    if not suggestion.megabytes:
        return f"{suggestion.name}, built in"
    return f"{suggestion.name}, {suggestion.megabytes:,} MB"
