"""Collections as cards: images, counts, what is measured, links and actions."""

from collections.abc import Sequence

import streamlit as st

from core.workbench import Card, tasks
from pages.parts import formatting, gallery, jobs, problems, session, state, vital_signs
from pages.parts.collections import exports, intake
from pages.parts.collections.report import open_report

PAGES = {
    "pages/explore/search.py": "Search",
    "pages/explore/map.py": "Map",
    "pages/measure/geometry.py": "Geometry",
    "pages/measure/evaluate.py": "Evaluate",
}
RENAME, ENCODE, REPORT, DELETE = "Rename", "Add an encoder", "Last ingest report", "Delete"
EXPORT, CHECK = "Export", "Check"


def show(cards: Sequence[Card]) -> None:
    """All collections in a grid, those that were used last first."""
    ordered = sorted(cards, key=lambda card: (-card.used, card.name))
    with st.grid(min_column_width=300) as grid:
        for card in ordered:
            with grid.cell(), st.container(border=True, key=f"_card_{card.name}", gap="xsmall"):
                _card(card)


def empty() -> None:
    """A first visit: what a collection is, and the demo."""
    problems.nothing(
        "No collections yet",
        "A collection is a set of images and texts with their embeddings. Add your data below, or "
        "build the demo (it can be searched within seconds, without a network).",
        icon=":material/photo_library:",
    )
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button("Build the demo", key="_build_demo", icon=":material/explore:"):
            state.build_demo()
            st.rerun()


def _card(card: Card) -> None:
    if not card.problem:
        with problems.shown():
            st.html(_mosaic(card))
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f"**{formatting.plain(card.name)}**", width="stretch")
        chosen = st.menu_button(
            ":material/more_horiz:", _actions(card), key=f"_menu_{card.name}", type="tertiary",
            help="More",
        )  # fmt: skip
    if card.problem:
        st.error(formatting.plain(card.problem), icon=":material/info:")
    else:
        with problems.shown():
            _content(card)
    _act(chosen, card)


def _content(card: Card) -> None:
    counts = [(card.images, "image"), (card.texts, "text"), (card.pairs, "pair")]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(" · ".join(formatting.count(n, one) for n, one in counts))
        for encoder in card.encoders:
            st.badge(formatting.plain(formatting.shorten(encoder, 32)), color="gray")
    if card.encoders:
        _glance(card)
    _last(card)
    _exports(card)
    with st.container(horizontal=True, gap="medium", key=f"_links_{card.name}"):
        if not card.encoders and not jobs.busy(card.name):
            st.caption("Empty: add images or captions.")
        for page, title in PAGES.items() if card.encoders else ():
            st.page_link(
                page, label=f":primary[{title}]", query_params={state.COLLECTION: card.name}
            )


def _glance(card: Card) -> None:
    """Whether search finds what it should, and the worst finding, as far as they are stored."""
    known = state.workbench().glance(card.name)
    if known is None:
        if not jobs.busy(card.name):
            _measure(card, "Measure")
        return
    lines = []
    if known.recall is not None:
        found = known.recall
        share = formatting.plain(formatting.percent(found.value, found.low, found.high))
        chance = formatting.plain(formatting.percent(found.reference.value))
        lines.append(
            f"Finds the right image in the top 10 for **{share}** of the texts, guessing {chance}"
        )
    if known.concerns:
        worst, more = known.concerns[0], len(known.concerns) - 1
        line = f"{vital_signs.DOTS[worst.verdict]} {formatting.plain(worst.headline)}"
        lines.append(line + (f" :gray[and {more} more]" if more else ""))
    elif known.fine:
        fine = formatting.count(known.fine, "finding")
        lines.append(f"{vital_signs.DOTS['good']} {fine}, all good")
    st.markdown("  \n".join(f":small[{line}]" for line in lines))
    if not known.current and not jobs.busy(card.name):
        _measure(card, "Measure again")


def _measure(card: Card, label: str) -> None:
    """A button that measures the collection in the background."""
    if st.button(
        label, key=f"_measure_{card.name}", icon=":material/straighten:", type="tertiary",
        help="Runs every diagnostic in the background; the findings are stored.",
    ):  # fmt: skip
        tasks.start_measuring(state.workbench(), card.name)
        st.rerun()


def _actions(card: Card) -> list[str]:
    actions = [RENAME]
    if card.images + card.texts:
        actions += [ENCODE, EXPORT]
    if card.last_intake:
        actions.append(REPORT)
    return actions if jobs.busy(card.name) else [*actions, CHECK, DELETE]


def _act(chosen: str | None, card: Card) -> None:
    if chosen == RENAME:
        _rename(card.name)
    elif chosen == ENCODE:
        _encode(card)
    elif chosen == CHECK:
        _check(card.name)
    elif chosen == DELETE:
        _delete(card)
    elif chosen == EXPORT:
        exports.dialog(card)
    elif chosen == REPORT:
        open_report(card.name)
        st.rerun()


def _last(card: Card) -> None:
    """One line on the last ingest, where something was not read or is gone."""
    report = card.last_intake or {"refused": ()}
    gone = [*report.get("gone", ()), *report.get("changed", ())]  # earlier versions have neither
    missing = 0 if report.get("pruned") else len(gone)
    rejected = formatting.count(len(report["refused"]), "file")
    lines = [f"{rejected} not read"] if report["refused"] else []
    lines += [f"{formatting.count(missing, 'item')} gone or changed"] if missing else []
    if lines and st.button(
        " · ".join(lines), key=f"_rejected_{card.name}", type="tertiary", icon=":material/report:"
    ):
        open_report(card.name)
        st.rerun()


def _exports(card: Card) -> None:
    """A button that opens the exports of the collection, where there are some."""
    n = len(state.workbench().saved_exports(card.name))
    if n and st.button(
        formatting.count(n, "export"), key=f"_exports_{card.name}", type="tertiary",
        icon=":material/inventory_2:",
    ):  # fmt: skip
        exports.dialog(card)


def _mosaic(card: Card) -> str:
    """Eight thumbnails as HTML, without any user text."""
    thumbnails = state.workbench().thumbnails(card.name, card.mosaic)
    tile = "width:100%;aspect-ratio:1;object-fit:cover;border-radius:4px;display:block"
    tiles = [
        f'<img alt="" src="{gallery.data_uri(thumbnails[i])}" style="{tile}">'
        for i in card.mosaic
        if i in thumbnails
    ]
    blank = (
        f'<div style="{tile};background:color-mix(in srgb, currentColor 7%, transparent)"></div>'
    )
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
@problems.guarded
def _rename(name: str) -> None:
    to = st.text_input("New name", name, key="_new_name", max_chars=60)
    if st.button("Rename", key="_do_rename", type="primary", disabled=to.strip() in ("", name)):
        with problems.shown():
            state.workbench().rename(name, to.strip())
            if state.collection() == name:
                _choose(to.strip())
            st.rerun()


@st.dialog("Add an encoder")
@problems.guarded
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


@st.dialog("Check the collection")
@problems.guarded
def _check(name: str) -> None:
    with st.spinner("Reading all of it"):
        found = state.workbench().check(name)
    for problem in found:
        st.markdown(formatting.plain(problem.sentence))
    if not found:
        st.markdown(f"**{formatting.plain(name)}**: everything fits.")
    if any(problem.mendable for problem in found) and st.button(
        "Repair", key="_do_repair", type="primary", icon=":material/build:"
    ):
        with problems.shown():
            state.workbench().check(name, repair=True)
            st.rerun()


@st.dialog("Delete the collection")
@problems.guarded
def _delete(card: Card) -> None:
    n = card.images + card.texts
    what = "all items" if card.problem else formatting.count(n, "item")
    st.markdown(
        f"Deletes **{formatting.plain(card.name)}** with {what}, their vectors and the exports in "
        "the home. Image files in your own folders are not deleted. This cannot be undone."
    )
    typed = st.text_input("Type its name to confirm", key="_confirm")
    if st.button("Delete", key="_do_delete", type="primary", disabled=typed.strip() != card.name):
        with problems.shown():
            state.workbench().delete(card.name)
            if state.collection() == card.name:
                _choose("")
            st.rerun()
