"""The query bar: texts, images and items with weights; filters, ranking, how results are shown."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ASSETS
from core.errors import SextantError
from core.types import Part, Query
from core.workbench import IMAGE_SUFFIXES
from pages.parts import controls, filters, problems, ranking_options, selection, session, state
from pages.parts import query as query_parts
from pages.parts.search import results, saved_queries, side_by_side

SIZES = (12, 24, 48, 96)
ADD, SUBTRACT = "Add", "Subtract"
FORMULA = (
    'The query box also takes a formula of texts and items: "a beach" + 0.5*item:ID - "people". '
    "Open a result to add or subtract it."
)
_FILES = ASSETS / "query_bar"
_BOX = st.components.v2.component(
    "sextant_query_bar",
    css=(_FILES / "query_bar.css").read_text("utf-8"),
    js=(_FILES / "query_bar.js").read_text("utf-8"),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """The settings of a query, and the places of what changes with each keystroke."""

    settings: dict[str, Any]
    off: str
    text: DeltaGenerator
    chips: DeltaGenerator
    mix: DeltaGenerator
    saved: DeltaGenerator
    export: DeltaGenerator


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """The query on screen: its parts, or the error in them; None where there is none."""

    chips: tuple[query_parts.Chip, ...]
    problem: SextantError | None
    query: Query | None


def bar(fields: Sequence[Any], *, off: str) -> Bar:
    """The query bar. `off` is the reason why text and image queries are off, "" for on."""
    st.html(_FILES / "page.css")
    with st.container(key="ask", horizontal=True, gap="small"):
        with st.container(key="box", width="stretch"):
            text = st.container()
            if not off:
                _BOX(
                    key="_box",
                    data={"box": f"_{state.TEXT}", "types": IMAGE_SUFFIXES},
                    on_image_change=_image_given,
                    on_rejected_change=_image_rejected,
                )
        chosen_filters = filters.popover(fields)
        ranking = ranking_options.popover(fields)
    with st.container(key="ask_options", horizontal=True, vertical_alignment="center", gap="small"):
        kinds = controls.kinds()
        chips = st.container(key="parts", width="content")
        mix = _add(disabled=bool(off))
        among = selection.among()
        st.space("stretch")
        results.choose_view()
        k = controls.results_per_page(SIZES, 24)
        side_by_side.choose()
        saved = st.container(width="content")
        export = st.container(width="content")
    settings = {
        "kinds": kinds, "filters": chosen_filters, "k": k, "among": among, **ranking
    }  # fmt: skip
    return Bar(settings, off, text, chips, mix, saved, export)


def request(bar: Bar) -> SearchRequest:
    """The query on screen: its parts and the settings of the bar; draws nothing."""
    try:
        chips = tuple(query_parts.chips())
    except SextantError as problem:
        return SearchRequest((), problem, None)
    if not chips:
        return SearchRequest((), None, None)
    parts, mix = tuple(chip.part for chip in chips), query_parts.mix(chips)
    try:
        query = Query(parts, mix=mix, miss=controls.miss(), **bar.settings)
    except SextantError as problem:
        return SearchRequest(chips, problem, None)
    return SearchRequest(chips, None, query)


def on_screen() -> bool:
    """Whether the query box was drawn before, in the last run of the page."""
    return session.value_of(f"_{state.TEXT}") is not None


def draw(bar: Bar, request: SearchRequest) -> None:
    """What changes with each keystroke: the text, the parts, their mix, saved queries."""
    with bar.text:
        session.linked(
            state.TEXT,
            "",
            st.text_input,
            "Query",
            type="search",
            icon=":material/search:",
            placeholder="Search by text or image ( / )",
            label_visibility="collapsed",
            live="20ms",
            disabled=bool(bar.off),
        )
        for problem in filter(None, (request.problem, query_parts.rejected_image())):
            problems.show(problem)
        if query_parts.image_missing():
            st.info(query_parts.MISSING_IMAGE, icon=":material/info:")
            st.button("Search without it", key="_no_image", on_click=query_parts.set_image)
    if query_parts.is_text(request.chips):
        session.reserve(bar.chips)
    else:
        with bar.chips:
            query_parts.show(request.chips)
    if len(request.chips) < 2:
        session.reserve(bar.mix)
    else:
        with bar.mix:
            query_parts.choose_mix()
    with bar.saved:
        saved_queries.popover()


def _add(*, disabled: bool) -> DeltaGenerator:
    """Texts to add or subtract; returns the place for how the parts are mixed."""
    with (
        st.popover("add", icon=":material/add:", type="tertiary", disabled=disabled, key="_add"),
        st.container(width=420, key="refine"),
    ):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.selectbox("Operation", (ADD, SUBTRACT), key="_sign", filter_mode=None, width=120)
            st.text_input("Text", key="_more_text", placeholder="people", width="stretch")
            st.button("Apply", key="_more_add", on_click=_text_added)
        mix = st.container()
        st.caption(
            "An image becomes part of the query with the camera in the query box, dropped on the "
            "page, or pasted with Ctrl+V. " + FORMULA
        )
        return mix


def _text_added() -> None:
    text = (session.value_of("_more_text") or "").strip()
    if text:
        query_parts.add(Part(text, weight=-1.0 if session.value_of("_sign") == SUBTRACT else 1.0))
        session.set_widget("_more_text", "")


def _image_given() -> None:
    given = session.sent("_box", "image")
    if given:
        query_parts.give_image(b64decode(given["data"]), given["name"])


def _image_rejected() -> None:
    problem = session.sent("_box", "rejected")
    if problem:
        query_parts.reject_image(problem)
