"""Pages without a collection, items or a query: what is missing and what to do next."""

from dataclasses import replace

import streamlit as st

from core.workbench import Card
from pages.parts import formatting, gallery, item, jobs, problems, query, state

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
SUGGESTIONS = 5
MAX_SUGGESTION = 46  # characters


def no_collections() -> None:
    """A first visit: build the demo or add data. Ends the page."""
    problems.nothing(
        "No collection yet",
        "A collection is a set of images and texts with their embeddings. Build the demo (about a "
        "minute, no network needed), or add your own data.",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Build the demo", key="_demo", type="primary", icon=":material/explore:"):
            state.build_demo()
            st.rerun()
        if st.button("Add your own data", key="_bring", icon=":material/upload:"):
            st.switch_page(COLLECTIONS)
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
        _until_filled(name)
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
def _until_filled(name: str) -> None:
    """Draw the page again as soon as there are items, or the job has ended."""
    card = state.workbench().card(name)
    if card.images + card.texts or not jobs.busy(name):
        st.rerun()


def show(card: Card, *, off: str) -> None:
    """Without a query: suggestions from the collection's captions, and a sample of its images."""
    examples = state.examples(24)
    captions = state.captions(examples)
    short = sorted(
        {
            formatting.shorten(c, MAX_SUGGESTION)
            for c in captions.values()
            if len(c) <= MAX_SUGGESTION
        },
        key=len,
    )
    if short and not off:
        st.caption("Try a caption of this collection")
        with st.container(horizontal=True, gap="small", key="suggestions"):
            for i, caption in enumerate(short[:: max(len(short) // SUGGESTIONS, 1)][:SUGGESTIONS]):
                st.button(
                    formatting.plain(caption), key=f"_try_{i}", on_click=query.text, args=(caption,)
                )  # fmt: skip
    kinds = [(card.images, "image"), (card.texts, "text"), (card.pairs, "pair")]
    counts = ", ".join(formatting.count(n, name) for n, name in kinds)
    st.markdown(f"**{formatting.plain(card.name)}** &ensp; :gray[{counts}]", anchors=False)
    if not card.texts:
        st.caption(
            "No captions yet. Recall, alignment and the modality gap need texts: add a captions "
            "file on the Collections page."
        )
    mosaic = [replace(card, labels=()) for card in gallery.cards(examples)]
    item.browse(mosaic, key="_mosaic", size=150)
