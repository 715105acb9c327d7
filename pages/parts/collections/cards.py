"""Collections as cards: contents, health and actions."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.workbench import Card
from pages.parts import formatting, gallery, jobs, problems, session, state, vital_signs
from pages.parts.collections import intake

SEARCH = "pages/explore/search.py"
MAX_MEASURED = 20_000  # items; larger collections are measured on the Geometry page only
RENAME, ENCODE, REPORT, DELETE = "Rename", "Add an encoder", "Last ingest report", "Delete"


def show(cards: Sequence[Card]) -> dict[str, Any]:
    """All collections in a grid; returns the places for their health."""
    places = {}
    with st.grid(min_column_width=290) as grid:
        for i, card in enumerate(cards):
            with grid.cell(), st.container(border=True, key=f"_card_{i}", gap="xsmall"):
                places[card.name] = _card(card, i)
    return places


def measure(cards: Sequence[Card], places: Mapping[str, Any]) -> None:
    """Fill in the health of the collections; called last, as measuring takes a moment."""
    for card in cards:
        if card.encoders and card.images + card.texts <= MAX_MEASURED:
            vital_signs.health(card.name, places[card.name])


def empty() -> None:
    """A first visit: what a collection is, and the demo."""
    problems.nothing(
        "No collections yet",
        "A collection is a set of images and texts with their embeddings. Add your data below, or "
        "build the demo (about a minute, no network needed).",
        icon=":material/photo_library:",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Build the demo", key="_build_demo", icon=":material/explore:"):
            state.build_demo()
            st.rerun()


def _card(card: Card, i: int) -> Any:
    """Draw a card; returns the place for its health."""
    st.html(_mosaic(card))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{formatting.plain(card.name)}**", width="stretch")
        chosen = st.menu_button(
            ":material/more_horiz:", _actions(card), key=f"_menu_{i}", type="tertiary", help="More"
        )
    counts = [(card.images, "image"), (card.texts, "text"), (card.pairs, "pair")]
    st.caption(" · ".join(formatting.count(n, one) for n, one in counts))
    place = st.empty()
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for encoder in card.encoders:
            st.badge(formatting.plain(formatting.shorten(encoder, 32)), color="gray")
    _last(card)
    if st.button("Open", key=f"_open_{i}", width="stretch", disabled=not card.encoders):
        _choose(card.name)
        st.switch_page(SEARCH)
    _act(chosen, card)
    return place


def _actions(card: Card) -> list[str]:
    actions = [RENAME]
    if card.images + card.texts:
        actions.append(ENCODE)
    if card.last_intake:
        actions.append(REPORT)
    return actions if jobs.busy(card.name) else [*actions, DELETE]


def _act(chosen: str | None, card: Card) -> None:
    if chosen == RENAME:
        _rename(card.name)
    elif chosen == ENCODE:
        _encode(card)
    elif chosen == DELETE:
        _delete(card)
    elif chosen == REPORT:
        intake.open_report(card.name)
        st.rerun()


def _last(card: Card) -> None:
    """One line on the last ingest."""
    last = card.last_intake
    if not last:
        return
    added = last["added"]["image"] + last["added"]["text"]
    rejected = len(last["refused"])
    more = f", {rejected:,} rejected" if rejected else ""
    st.caption(f"Last ingest: {added:,} added{more}")


def _mosaic(card: Card) -> str:
    """Eight thumbnails as HTML, without any user text."""
    thumbnails = state.workbench().thumbnails(card.name, card.mosaic)
    tile = "width:100%;aspect-ratio:1;object-fit:cover;border-radius:4px;display:block"
    tiles = [
        f'<img alt="" src="{gallery.data_uri(thumbnails[i])}" style="{tile}">'
        for i in card.mosaic
        if i in thumbnails
    ]
    blank = f'<div style="{tile};background:var(--st-secondary-background-color)"></div>'
    tiles += [blank] * (8 - len(tiles))
    return (
        '<div style="display:grid;grid-template-columns:repeat(4,1fr);gap:4px">'
        f"{''.join(tiles[:8])}</div>"
    )


def _choose(name: str) -> None:
    """Make it the collection on screen; items, encoder and page of the last one do not apply."""
    session.forget(state.COLLECTION, state.ENCODER, state.ALSO, state.PAGE)
    session.write(state.COLLECTION, name)


@st.dialog("Rename the collection")
def _rename(name: str) -> None:
    to = st.text_input("New name", name, key="_new_name", max_chars=60)
    if st.button("Rename", key="_do_rename", type="primary", disabled=to.strip() in ("", name)):
        with problems.shown():
            state.workbench().rename(name, to.strip())
            if state.collection() == name:
                _choose(to.strip())
            st.rerun()


@st.dialog("Add an encoder")
def _encode(card: Card) -> None:
    st.caption(
        f"Encodes all {card.images + card.texts:,} items with another encoder. Existing vectors "
        "are not changed; choose the encoder in the bar on top."
    )
    encoder = intake.choose("Encoder", key="_new_encoder", placeholder="Choose or type a name")
    if st.button("Encode", key="_do_encode", type="primary", disabled=not encoder):
        with problems.shown():
            state.add_encoder(card.name, encoder or "")
            st.rerun()


@st.dialog("Delete the collection")
def _delete(card: Card) -> None:
    what = formatting.count(card.images + card.texts, "item")
    st.markdown(
        f"Deletes **{formatting.plain(card.name)}** with {what} and their vectors. Image files in "
        "your own folders are not deleted. This cannot be undone."
    )
    typed = st.text_input("Type its name to confirm", key="_confirm")
    if st.button("Delete", key="_do_delete", type="primary", disabled=typed.strip() != card.name):
        with problems.shown():
            state.workbench().delete(card.name)
            if state.collection() == card.name:
                _choose("")
            st.rerun()
