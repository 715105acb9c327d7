"""The question: texts, pictures and items, more or less of each; filters, ranking and how many."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ASSETS
from core.errors import SextantError
from core.types import Filter, Kind, Mix, Part, Query
from pages.parts import controls, problems, ranking_options, session, state
from pages.parts.filters import popover
from pages.parts.query import Chip, add, choose_mix, own, show
from pages.parts.query import chips as compose_chips
from pages.parts.query import mix as compose_mix
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
    """What stands beside the text, and the places of what changes with every letter typed."""

    kinds: tuple[Kind, ...]
    filters: tuple[Filter, ...]
    k: int
    ranked: ranking_options.Ranked
    off: str
    text: DeltaGenerator
    chips: DeltaGenerator
    mix: DeltaGenerator
    saved: DeltaGenerator


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What the person wants to see; no chips before they ask, or when it could not be read."""

    chips: tuple[Chip, ...]
    problem: SextantError | None
    kinds: tuple[Kind, ...]
    filters: tuple[Filter, ...]
    k: int
    mix: Mix
    ranked: ranking_options.Ranked

    @property
    def empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not self.chips

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the question is made of."""
        return tuple(chip.part for chip in self.chips)

    def query(self, kind: Kind, start: int) -> Query:
        """One page of answers of one kind; kinds are never ranked against each other."""
        return Query(
            self.parts, kinds=(kind,), filters=self.filters, k=self.k, start=start, mix=self.mix,
            words=self.ranked.words, template=self.ranked.template, first=self.ranked.first,
            hub_correction=self.ranked.hub_correction, rerank=self.ranked.rerank,
        )  # fmt: skip


def bar(fields: Sequence[Any], *, off: str) -> Bar:
    """The query bar. `off` says why texts and pictures cannot be asked here, "" when they can."""
    with st.container(key="ask", horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.container(width="stretch")
        _refine(disabled=bool(off))
        found = popover(fields)
        ranked = ranking_options.popover()
    chips = st.container(key="parts")
    with st.container(key="ask_options", horizontal=True, vertical_alignment="center"):
        kinds = controls.kinds()
        mix = st.container(width="content")
        st.space("stretch")
        kept = st.container(width="content")
        k = controls.size(SIZES, 24)
    if not off:
        _SHORTCUTS(key="_paste", data={"box": f"_{state.TEXT}"}, on_pasted_change=_picture_pasted)
    return Bar(kinds, found, k, ranked, off, text, chips, mix, kept)


def question(bar: Bar) -> SearchRequest:
    """What is asked now: the text, the parts that it is made of, and what the bar settles.

    Draws nothing, so that the answers can be found first.
    """
    chips: list[Chip] = []
    problem = None
    try:
        chips = compose_chips()
    except SextantError as unread:
        problem = unread
    mix = compose_mix(chips)
    return SearchRequest(tuple(chips), problem, bar.kinds, bar.filters, bar.k, mix, bar.ranked)


def on_screen() -> bool:
    """Whether the text is there already, from the last time the page was drawn."""
    return session.value_of(f"_{state.TEXT}") is not None


def draw(bar: Bar, asked: SearchRequest) -> None:
    """What changes with every letter typed: the text, the parts, their mix, what can be saved."""
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
        if asked.problem:
            problems.tell(asked.problem)
        show(asked.chips)
    with bar.mix, st.container(width="content"):
        choose_mix(asked.chips)
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
        add(Part(said.strip(), weight=-1.0 if session.value_of("_sign") == LESS else 1.0))
        session.set_widget("_more_text", "")


def _uploader() -> str:
    """The upload's key; another one after each picture, so that its copy is let go."""
    return f"_upload_{session.kept(state.UPLOADS, 0)}"


def _picture_uploaded() -> None:
    file = session.value_of(_uploader())
    if file is not None:
        own(file.getvalue())
        session.keep(state.UPLOADS, session.kept(state.UPLOADS, 0) + 1)


def _picture_pasted() -> None:
    pasted = session.value_of("_paste")["pasted"]
    if pasted:
        own(b64decode(pasted))
