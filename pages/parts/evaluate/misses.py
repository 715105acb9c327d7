"""Missed queries, hardest first: how far off each is, what came first, and why."""

from dataclasses import replace

import streamlit as st

from core.measure import Evaluation, Misses
from core.types import Space
from pages.parts import controls, formatting, gallery, item, session, state
from pages.parts.evaluate.scores import Request

SHOWN, SIZE = 5, 140  # misses at a time; least width of a card, pixels
FIRST = 5  # results shown for each miss
ALL = "all"
WHY = {
    ALL: ("All", ""),
    "near": ("Near", "The true item is among the first 20 results or 5% of the candidates."),
    "far": ("Far", "The true item is beyond the first 20 results and 5% of the candidates."),
    "caption": ("Caption looks wrong", "The caption probably belongs to another image."),
    "cut": ("Text cut", "The encoder reads only the beginning of the text."),
    "duplicate": ("Near-duplicate", "A near-duplicate of the true item is among the first 10."),
    "alike": (
        "Described alike",
        "Captions of the first result are closer to the query than the other captions of its own "
        "image: the query does not single out one image.",
    ),
    "label": ("Same labels", "The first result has the same labels as the true item."),
    "hub": ("Hub", "The first result is a hub: a result of many unrelated queries."),
    "unexplained": ("No reason found", "None of the reasons looked for applies."),
}
NEXT = {
    "caption": ("Review these pairs", "pages/measure/geometry.py", {"family": "Pairs"}),
    "duplicate": ("Near-duplicates", "pages/measure/geometry.py", {"family": "Neighborhoods"}),
    "hub": ("Hubness", "pages/measure/geometry.py", {"family": "Neighborhoods"}),
    "label": ("Map by label", "pages/explore/map.py", {"color": "label"}),
}
ABOUT_HUB = "In the nearest-neighbor lists of this many times more items than average"


def direction() -> str:
    """The direction that is looked at, by a control with a heading."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("##### Where it fails", anchors=False, width="content")
        return controls.direction("hardest")


def show(request: Request, scored: Evaluation, name: str) -> None:
    """Counts of misses by reason, and the hardest of the chosen ones with their images."""
    found = _misses(request.key, name, request, scored)
    n, share = len(found.queries), len(found.queries) / max(1, found.n_queries)
    if not n:
        st.caption(f"All {found.n_queries:,} queries have a match among the first {found.k}.")
        return
    st.caption(
        f"{n:,} of {found.n_queries:,} queries ({formatting.percent(share)}) have no match among "
        f"the first {found.k}. Several reasons may hold for one."
    )
    counts = {why: len(found.of(why)) for why in WHY}
    chosen = session.linked(
        "why", ALL, st.pills, "Why", [why for why, count in counts.items() if count],
        among=[why for why, count in counts.items() if count], required=True,
        format_func=lambda why: f"{WHY[why][0]} {counts[why]:,}", label_visibility="collapsed",
    )  # fmt: skip
    _about(chosen)
    places = found.of(chosen)
    limit = session.get(f"misses {name} {chosen}", SHOWN)
    cards = _cards(request.opened.space, found, places[:limit].tolist(), from_text="text_" in name)
    item.browse(cards, key=f"_misses_{name}", size=SIZE)
    if len(places) > limit:
        st.button(
            f"Show {min(SHOWN, len(places) - limit)} more", key="_more_misses",
            on_click=session.store, args=(f"misses {name} {chosen}", limit + SHOWN),
        )  # fmt: skip


def _about(chosen: str) -> None:
    """What a reason means, and where to act on it."""
    if chosen in NEXT:
        label, page, link = NEXT[chosen]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(WHY[chosen][1])
            st.page_link(
                page, label=label, icon=":material/arrow_forward:",
                query_params={state.COLLECTION: state.collection(), **link},
            )  # fmt: skip
    elif WHY[chosen][1]:
        st.caption(WHY[chosen][1])


@st.cache_resource(max_entries=16, show_spinner="Looking for reasons…")
def _misses(key: str, direction: str, _request: Request, _scored: Evaluation) -> Misses:
    return state.workbench().misses(
        _request.opened, _scored, direction, hub_correction=_request.correction
    )


def _cards(
    space: Space, found: Misses, places: list[int], *, from_text: bool
) -> list[gallery.Card]:
    """For each miss a line, its true item and the first results; an image query stands before."""
    rows = [
        [*([] if from_text else [found.queries[p]]), found.own[p], *found.first[p][:FIRST]]
        for p in places
    ]
    ids = dict.fromkeys(space.ids[row] for line in rows for row in line)
    queries = [space.ids[found.queries[p]] for p in places]
    base = {card.id: card for card in gallery.cards(list(ids))}
    texts = {i: t.text for i, t in state.items(queries).items()} if from_text else {}
    cards = []
    for place, line in zip(places, rows, strict=True):
        query = space.ids[found.queries[place]]
        roles = [*([] if from_text else ["query"]), f"right one, rank {found.ranks[place]:,}"]
        roles += [f"rank {rank}" for rank in range(1, FIRST + 1)]
        above = " · ".join(filter(None, [_quoted(texts.get(query, "")), _why(found, place)]))
        for at, (row, role) in enumerate(zip(line, roles, strict=False)):
            card = base.get(space.ids[row])
            if card is not None:
                cards.append(replace(card, note=role, labels=(), above="" if at else above))
    return cards


def _quoted(text: str) -> str:
    return f"“{formatting.shorten(text, 110)}”" if text else ""


def _why(found: Misses, place: int) -> str:
    reasons = [WHY[why][0].lower() for why, holds in found.reasons.items() if holds[place]]
    return ", ".join(["near miss" if found.near[place] else "far miss", *reasons])
