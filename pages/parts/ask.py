"""The question: a text, a picture, or an item that others should be like; filters and how many."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.types import Filter, Kind, Part, Query
from pages.parts import controls, filters, problems, state, words

PICTURES = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
SIZES = (12, 24, 48, 96)
_ASSETS = Path(__file__).parents[2] / "assets" / "ask"
_SHORTCUTS = st.components.v2.component(
    "sextant_ask", js=(_ASSETS / "ask.js").read_text("utf-8"), html="<span hidden></span>"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person wants to see. `text`, `picture` and `item` are all empty before they ask."""

    text: str
    picture: bytes
    item: str
    kinds: tuple[Kind, ...]
    filters: tuple[Filter, ...]
    k: int

    @property
    def empty(self) -> bool:
        """Whether nothing was asked yet."""
        return not (self.text.strip() or self.picture or self.item)

    def query(self, kind: Kind, start: int) -> Query:
        """One page of answers of one kind; kinds are never ranked against each other."""
        return Query(
            (Part(self.text, self.picture, self.item),), kinds=(kind,), filters=self.filters,
            k=self.k, start=start,
        )  # fmt: skip


def bar(fields: Sequence[Any], *, off: str) -> Asked:
    """The query bar. `off` says why texts and pictures cannot be asked here, "" when they can."""
    with st.container(key="ask", horizontal=True, vertical_alignment="bottom", gap="small"):
        text = state.linked(
            state.TEXT,
            "",
            st.text_input,
            "What are you looking for?",
            type="search",
            icon=":material/search:",
            placeholder="Describe what you are looking for ( / )",
            label_visibility="collapsed",
            live="350ms",
            disabled=bool(off),
            on_change=_text_asked,
        )
        _picture(disabled=bool(off))
        found = filters.popover(fields)
    with st.container(key="ask_options", horizontal=True, vertical_alignment="center"):
        kinds = controls.kinds()
        _given()
        st.space("stretch")
        k = controls.size(SIZES, 24)
    if not off:
        _SHORTCUTS(key="_paste", data={"box": f"_{state.TEXT}"}, on_pasted_change=_picture_pasted)
    item = "" if text else state.recall(state.ITEM, "")
    state.put(state.ITEM, item)
    picture = b"" if text or item else state.kept(state.PICTURE, b"")
    return Asked(text, picture, item, kinds, found, k)


def like(id_: str) -> None:
    """Ask for items like this one; a callback, or followed by a rerun."""
    state.turn(state.TEXT, "")
    state.put(state.TEXT, "")
    state.keep(state.PICTURE, b"")
    state.put(state.ITEM, id_)


def text(words_: str) -> None:
    """Ask for a text; a callback, or followed by a rerun."""
    clear()
    state.turn(state.TEXT, words_)


def clear() -> None:
    """Ask for nothing."""
    like("")


def _text_asked() -> None:
    if state.value_of(f"_{state.TEXT}"):
        state.keep(state.PICTURE, b"")
        state.put(state.ITEM, "")


def _picture(*, disabled: bool) -> None:
    """Upload, drop or paste a picture to search by."""
    with st.popover("Picture", icon=":material/add_photo_alternate:", disabled=disabled):
        st.file_uploader(
            "Search with a picture",
            PICTURES,
            key=_uploader(),
            max_upload_size=50,
            on_change=_picture_uploaded,
        )
        st.caption("Or paste one anywhere on this page with Ctrl+V.")


def _uploader() -> str:
    """The upload's key; another one after each picture, so that its copy is let go."""
    return f"_upload_{state.kept(state.UPLOADS, 0)}"


def _picture_uploaded() -> None:
    file = state.value_of(_uploader())
    if file is not None:
        clear()
        state.keep(state.PICTURE, file.getvalue())
        state.keep(state.UPLOADS, state.kept(state.UPLOADS, 0) + 1)


def _picture_pasted() -> None:
    pasted = state.value_of("_paste")["pasted"]
    if pasted:
        clear()
        state.keep(state.PICTURE, b64decode(pasted))


def _given() -> None:
    """What is asked when it is not a text: a small picture or a name, and a way back."""
    item, picture = state.recall(state.ITEM, ""), state.kept(state.PICTURE, b"")
    if not (item or picture) or state.value_of(f"_{state.TEXT}"):
        return
    with st.container(key="given", horizontal=True, vertical_alignment="center", width="content"):
        if picture and not item:
            st.markdown("Your picture")
            with problems.shown():
                st.image(
                    state.shown_picture(picture, "The picture"), width=44,
                    output_format="JPEG", alt="The picture you search with",
                )  # fmt: skip
        else:
            found = state.items([item]).get(item)
            small = state.thumbnails([item]).get(item)
            if small:
                st.image(small, width=44, alt="The item you search with")
            name = found.text if found and found.kind == "text" else (found.name if found else item)
            st.markdown(f"Like *{words.plain(words.shorten(name, 60))}*")
        st.button(
            "Clear", key="_clear", type="tertiary", icon=":material/close:", on_click=clear
        )  # fmt: skip
