"""Before there is anything to show: what is missing and what to do next; what one could ask."""

from dataclasses import replace

import streamlit as st

from core.workbench import Card
from pages.parts import formatting, gallery, item, jobs, problems, query, state

COLLECTIONS = "pages/explore/collections.py"
PROMISES = (
    (
        "image_search",
        "Search across pictures and texts",
        "Ask with words, a picture or any item. Every answer says how likely it is by chance.",
    ),
    (
        "architecture",
        "See the geometry that explains it",
        "Alignment, uniformity, modality gap, rank and hubness, each with an interval, "
        "a reference and a sentence.",
    ),
    (
        "target",
        "Know how good it is on your data",
        "Recall both ways from your own pairs of pictures and captions. "
        "Nothing leaves this machine.",
    ),
)
SUGGESTIONS = 5
LONGEST = 46  # characters of a suggestion: five of them fit one line


def no_collections() -> None:
    """A first visit: build the demo or bring pictures. Ends the page."""
    problems.nothing(
        "Nothing to search yet",
        "A collection is a set of pictures and texts with their vectors. Build the demo to look "
        "around (about a minute, no network needed), or bring a folder of your own.",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Build the demo", key="_demo", type="primary", icon=":material/explore:"):
            state.build_demo()
            st.rerun()
        if st.button("Bring your own", key="_bring", icon=":material/upload:"):
            st.switch_page(COLLECTIONS)
    st.space("medium")
    with st.container(key="promises"):
        for column, (icon, title, sentence) in zip(
            st.columns(3, gap="large"), PROMISES, strict=True
        ):
            column.markdown(f":primary[:material/{icon}:] &nbsp; **{title}**")
            column.caption(sentence)
    jobs.panel()
    _until_there()
    st.stop()


@st.fragment(run_every=2.0)
def _until_there() -> None:
    """Draw the page anew as soon as there is a collection, whoever makes it."""
    if state.workbench().names():
        st.rerun()


def no_items(name: str) -> None:
    """A collection without items. Ends the page."""
    if jobs.busy(name):
        problems.nothing(
            f"{formatting.plain(name)} is being filled",
            "The first pictures can be searched in a moment, while the rest is still coming in.",
            icon=":material/hourglass_top:",
        )
        _until_filled(name)
        st.stop()
    problems.nothing(
        f"{formatting.plain(name)} is empty",
        "Add pictures, captions or ready-made vectors, and they can be searched and measured here.",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Add items", key="_add", type="primary", icon=":material/upload:"):
            st.switch_page(COLLECTIONS)
    st.stop()


@st.fragment(run_every=2.0)
def _until_filled(name: str) -> None:
    """Draw the page anew as soon as there is something to search, or nothing more will come."""
    card = state.workbench().card(name)
    if card.images + card.texts or not jobs.busy(name):
        st.rerun()


def show(card: Card, *, off: str) -> None:
    """An open question: queries made from this collection's own captions, and what is in it."""
    examples = state.examples(24)
    captions = state.captions(examples)
    short = sorted(
        {formatting.shorten(c, LONGEST) for c in captions.values() if len(c) <= LONGEST}, key=len
    )
    if short and not off:
        st.caption("Try one of its captions")
        with st.container(horizontal=True, gap="small", key="suggestions"):
            for i, caption in enumerate(short[:: max(len(short) // SUGGESTIONS, 1)][:SUGGESTIONS]):
                st.button(
                    formatting.plain(caption), key=f"_try_{i}", on_click=query.text, args=(caption,)
                )  # fmt: skip
    kinds = [(card.images, "picture"), (card.texts, "text"), (card.pairs, "pair")]
    counts = ", ".join(formatting.count(n, name) for n, name in kinds)
    st.markdown(f"**{formatting.plain(card.name)}** &ensp; :gray[{counts}]", anchors=False)
    if not card.texts:
        st.caption(
            "No captions yet: recall, alignment and the modality gap need texts. Add a captions "
            "file on Collections."
        )
    mosaic = [replace(card, labels=()) for card in gallery.cards(examples)]
    item.browse(mosaic, key="_mosaic", size=150)
