"""The query bar: texts, images and items with weights; filters, ranking and how many."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ASSETS
from core.errors import SextantError
from core.types import Part, Query
from pages.parts import controls, filters, problems, ranking_options, session, state
from pages.parts import query as query_parts
from pages.parts.search import saved_queries

PICTURES = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
SIZES = (12, 24, 48, 96)
MORE, LESS = "More of", "Less of"
FORMULA = (
    'A text asks as it is. A formula mixes: "a beach" + 0.5*img:ID - "people". '
    "Open an answer to take more or less of it."
)
_FILES = ASSETS / "query_bar"
_SHORTCUTS = st.components.v2.component(
    "sextant_query_bar",
    js=(_FILES / "query_bar.js").read_text("utf-8"),
    html="<span hidden></span>",
)


@dataclass(frozen=True, slots=True)
class Bar:
    """The settings of a query, and the places of what changes with every key press."""

    settings: dict[str, Any]
    off: str
    text: DeltaGenerator
    chips: DeltaGenerator
    mix: DeltaGenerator
    saved: DeltaGenerator


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """The query on screen; None before anything was typed, or when it could not be parsed."""

    chips: tuple[query_parts.Chip, ...]
    problem: SextantError | None
    query: Query | None


def bar(fields: Sequence[Any], *, off: str) -> Bar:
    """The query bar. `off` says why text and image queries are off here, "" when they are on."""
    with st.container(key="ask", horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.container(width="stretch")
        _refine(disabled=bool(off))
        found = filters.popover(fields)
        ranking = ranking_options.popover()
    chips = st.container(key="parts")
    with st.container(key="ask_options", horizontal=True, vertical_alignment="center"):
        kinds = controls.kinds()
        mix = st.container(width="content")
        st.space("stretch")
        saved = st.container(width="content")
        k = controls.size(SIZES, 24)
    if not off:
        _SHORTCUTS(key="_paste", data={"box": f"_{state.TEXT}"}, on_pasted_change=_picture_pasted)
    settings = {"kinds": kinds, "filters": found, "k": k, **ranking}
    return Bar(settings, off, text, chips, mix, saved)


def request(bar: Bar) -> SearchRequest:
    """The query on screen: its parts and the settings of the bar.

    Draws nothing, so that results can be found first.
    """
    try:
        chips = tuple(query_parts.chips())
    except SextantError as problem:
        return SearchRequest((), problem, None)
    if not chips:
        return SearchRequest((), None, None)
    parts, mix = tuple(chip.part for chip in chips), query_parts.mix(chips)
    try:
        query = Query(parts, mix=mix, strictness=controls.strictness(), **bar.settings)
    except SextantError as problem:
        return SearchRequest(chips, problem, None)
    return SearchRequest(chips, None, query)


def on_screen() -> bool:
    """Whether the text is there already, from the last time the page was drawn."""
    return session.value_of(f"_{state.TEXT}") is not None


def draw(bar: Bar, request: SearchRequest) -> None:
    """What changes with every key press: the text, the parts, their mix, what can be saved."""
    with bar.text:
        session.linked(
            state.TEXT,
            "",
            st.text_input,
            "What are you looking for?",
            type="search",
            icon=":material/search:",
            placeholder="Describe what you are looking for ( / )",
            label_visibility="collapsed",
            live="20ms",
            disabled=bool(bar.off),
        )
    # Each place gets a container at once: a fragment may write only where something was written.
    with bar.chips, st.container():
        if request.problem:
            problems.tell(request.problem)
        query_parts.show(request.chips)
    with bar.mix, st.container(width="content"):
        query_parts.choose_mix(request.chips)
    with bar.saved:
        saved_queries.popover()


def _refine(*, disabled: bool) -> None:
    """More or less of a text; a picture to upload, drop or paste."""
    with (
        st.popover("Add", icon=":material/add_circle:", disabled=disabled),
        st.container(width=420, key="refine"),
    ):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.selectbox("Take", (MORE, LESS), key="_sign", filter_mode=None, width=120)
            st.text_input("What", key="_more_text", placeholder="people", width="stretch")
            st.button("Add", key="_more_add", on_click=_text_added)
        st.file_uploader(
            "A picture of your own",
            PICTURES,
            key=_uploader(),
            max_upload_size=50,
            on_change=_picture_uploaded,
        )
        st.caption("Or paste one anywhere on this page with Ctrl+V. " + FORMULA)


def _text_added() -> None:
    said = session.value_of("_more_text") or ""
    if said.strip():
        query_parts.add(
            Part(said.strip(), weight=-1.0 if session.value_of("_sign") == LESS else 1.0)
        )
        session.set_widget("_more_text", "")


def _uploader() -> str:
    """The upload's key; another one after each picture, so that its copy is let go."""
    return f"_upload_{session.kept(state.UPLOADS, 0)}"


def _picture_uploaded() -> None:
    file = session.value_of(_uploader())
    if file is not None:
        query_parts.own(file.getvalue())
        session.keep(state.UPLOADS, session.kept(state.UPLOADS, 0) + 1)


def _picture_pasted() -> None:
    pasted = session.value_of("_paste")["pasted"]
    if pasted:
        query_parts.own(b64decode(pasted))
