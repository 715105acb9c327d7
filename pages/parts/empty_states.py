"""Pages without a collection, items or a query: what is missing and what to do next."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.types import SCOPE_NAMES, Filter, Kind
from core.workbench import Card
from pages.parts import (
    controls,
    encoder_offer,
    formatting,
    gallery,
    item,
    jobs,
    problems,
    query,
    state,
)

COLLECTIONS = "pages/explore/collections.py"
FEATURES = (
    (
        "image_search",
        "Search images and texts",
        "Query by text, image or any item. Every result comes with its p-value under a null "
        "distribution.",
    ),
    (
        "architecture",
        "Measure the embedding geometry",
        "Alignment, uniformity, modality gap, rank and hubness, each with a confidence interval "
        "and a reference.",
    ),
    (
        "target",
        "Evaluate retrieval on your data",
        "Recall from image to text and from text to image on your own pairs. "
        "All data stays on this computer.",
    ),
)


def no_collections() -> None:
    """A first visit: build the demo or add data. Ends the page."""
    problems.nothing(
        "No collection yet",
        "A collection is a set of images and texts with their embeddings. Build the demo (ready "
        "within seconds, without a network), or add your own data.",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Build the demo", key="_demo", type="primary", icon=":material/explore:"):
            state.build_demo()
            st.rerun()
        if st.button("Add your own data", key="_bring", icon=":material/upload:"):
            st.switch_page(COLLECTIONS)
    encoder_offer.for_demo()
    st.space("medium")
    with st.container(key="features"):
        for column, (icon, title, sentence) in zip(
            st.columns(3, gap="large"), FEATURES, strict=True
        ):
            column.markdown(f":primary[:material/{icon}:] &nbsp; **{title}**")
            column.caption(sentence)
    jobs.panel()
    _until_there()
    st.stop()


@st.fragment(run_every=2.0)
@problems.guarded
def _until_there() -> None:
    """Draw the page again as soon as there is a collection, whichever process creates it."""
    if state.workbench().names():
        st.rerun()


def no_items(name: str) -> None:
    """A collection without items. Ends the page."""
    if jobs.busy(name):
        problems.nothing(
            f"Items are being added to {formatting.plain(name)}",
            "The first ones can be searched in a moment, while ingest continues.",
            icon=":material/hourglass_top:",
        )
        _until_grown(state.workbench().card(name))
        st.stop()
    problems.nothing(
        f"{formatting.plain(name)} is empty",
        "Add images, captions or precomputed vectors to search and measure them.",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Add items", key="_add", type="primary", icon=":material/upload:"):
            st.switch_page(COLLECTIONS)
    st.stop()


@st.fragment(run_every=2.0)
@problems.guarded
def _until_grown(shown: Card) -> None:
    """Draw the page again as soon as there are more items, or the job has ended."""
    card = state.workbench().card(shown.name)
    if (card.images, card.texts) != (shown.images, shown.texts) or not jobs.busy(shown.name):
        st.rerun()


def show(card: Card, kinds: Sequence[Kind], filters: Sequence[Filter], *, off: str) -> None:
    """Without a query: words to try, what the encoder can do, and a sample of the items."""
    words = () if off else state.example_queries()
    if words:
        st.caption("Try a word of this collection")
        with st.container(horizontal=True, gap="small", key="suggestions"):
            for i, word in enumerate(words):
                label, key = formatting.plain(word), f"_try_{i}"
                st.button(label, key=key, on_click=query.text, args=(word,))
    counted = [(card.images, "image"), (card.texts, "text"), (card.pairs, "pair")]
    counts = ", ".join(formatting.count(n, name) for n, name in counted)
    st.markdown(f"**{formatting.plain(card.name)}** &ensp; :gray[{counts}]", anchors=False)
    if not card.texts:
        st.caption(
            "No captions yet. Recall, alignment and the modality gap need texts: add a captions "
            "file on the Collections page."
        )
    examples = state.examples(24, kinds, filters)
    if not examples:
        _none_of(kinds, filters)
    elif filters:
        st.caption("Those that pass the filters:")
    mosaic = [replace(card, labels=()) for card in gallery.cards(examples)]
    item.browse(mosaic, key="_mosaic", size=150)
    encoder_offer.for_collection()
    if jobs.busy(card.name):
        _until_grown(card)


def _none_of(kinds: Sequence[Kind], filters: Sequence[Filter]) -> None:
    """No item of the chosen kinds: say so, and offer the other kind where it has items."""
    passes = "passes the filters" if filters else "is in this collection"
    others = [kind for kind in controls.KINDS["Both"] if kind not in kinds]
    if not others or not state.examples(1, others, filters):
        st.caption(f"No item {passes}.")
        return
    st.caption(f"No {kinds[0]} {passes}.")
    if st.button(f"Show {SCOPE_NAMES[others[0]]}", key="_other_kind"):
        controls.choose_kinds(others)
        st.rerun()


def no_pairs(card: Card) -> None:
    """A collection without pairs. Ends the page."""
    problems.nothing(
        "No pairs to evaluate",
        f"{formatting.plain(card.name)} has {formatting.count(card.images, 'image')} and "
        f"{formatting.count(card.texts, 'text')}, but fewer than two pairs. Add a captions file "
        "(items.jsonl, CSV or COCO captions) that names these images; they are not encoded again.",
        icon=":material/link_off:",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Add captions", key="_add_captions", type="primary"):
            st.switch_page(COLLECTIONS)
    st.stop()
