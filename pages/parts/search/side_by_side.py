"""One query in two rankings or by two encoders, side by side, with how each result moved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import SCOPE_NAMES, Hit, Kind, Query
from pages.parts import formatting, item, problems, ranking_options, session, state
from pages.parts.search import results

VERSUS, RANKING, ENCODER = "vs", "ranking.", "encoder."
WIDTHS = {"image": 150, "text": 260}


class Side(NamedTuple):
    """The other side: its title, its query, and its encoder where that differs."""

    title: str
    query: Query
    model: str | None


def choose() -> None:
    """What to compare with: another ranking or encoder; part of the link."""
    titles = _titles()
    label = "Side by side" if _chosen() else "Compare"
    with st.popover(label, icon=":material/view_column_2:", type="tertiary", key="_side"):
        session.linked(
            VERSUS, "", st.selectbox, "Compare these results with", ["", *titles],
            among=["", *titles], format_func=lambda name: titles.get(name, "Nothing"),
            filter_mode=None,
        )  # fmt: skip
        st.caption("The same query in another ranking, or by another encoder of this collection.")


def other(query: Query) -> Side | None:
    """The side to compare a query with; None without one."""
    chosen = _chosen()
    if chosen.startswith(ENCODER):
        return Side(_titles()[chosen], query, chosen.removeprefix(ENCODER))
    if chosen.startswith(RANKING):
        preset = ranking_options.PRESETS[chosen.removeprefix(RANKING)]
        return Side(preset.title, replace(query, **ranking_options.settings_of(preset)), None)
    return None


def draw(query: Query, shown: Mapping[Kind, results.Shown]) -> DeltaGenerator | None:
    """Draw the results, alone or beside the other side; returns the place of the panel, if any."""
    versus, place = other(query), st.container(key="results")
    if versus:
        with place:
            show(query, shown, versus)
        return None
    left, right = place.columns([2.9, 1], gap="large")
    with left:
        results.show(query, shown)
    return right


def show(query: Query, shown: Mapping[Kind, results.Shown], side: Side) -> None:
    """Both sides by kind; results of one side alone are marked."""
    found: dict[Kind, results.Shown] = {}
    with problems.shown():
        found = results.find(side.query, side.model)
    for kind, mine in shown.items():
        theirs = found.get(kind)
        a = mine.result.hits
        b = theirs.result.hits if theirs else ()
        if theirs:
            st.caption(_overlap(kind, a, b))
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown(f"**A** {formatting.plain(_here(query))}")
            _grid(kind, query, mine, _moves(a, b, gone=True), "a")
        with right:
            st.markdown(f"**B** {formatting.plain(side.title)}")
            if theirs:
                _grid(kind, side.query, theirs, _moves(b, a), "b", explained=side.model is None)


def _grid(
    kind: Kind,
    query: Query,
    shown: results.Shown,
    moves: Mapping[str, tuple[str, str]],
    key: str,
    *,
    explained: bool = True,
) -> None:
    by_rank = {hit.id: hit.rank for hit in shown.result.hits}
    cards = [
        replace(card, above="", note="", move=moves[card.id][0], moved=moves[card.id][1])
        for card in sorted(shown.cards, key=lambda card: by_rank[card.id])
    ]
    of_kind = replace(query, kinds=(kind,), start=0)
    item.browse(
        cards, key=f"_side_{key}_{kind}", size=WIDTHS[kind], query=of_kind if explained else None
    )


def _moves(
    hits: Sequence[Hit], others: Sequence[Hit], *, gone: bool = False
) -> dict[str, tuple[str, str]]:
    """How each hit moved against the other side, and the name of that kind of move."""
    ranks = {hit.id: hit.rank for hit in others}
    if gone:
        return {hit.id: ("", "") if hit.id in ranks else ("gone", "gone") for hit in hits}
    moves = {}
    for hit in hits:
        up = ranks.get(hit.id, hit.rank) - hit.rank
        if hit.id not in ranks:
            moves[hit.id] = "new", "new"
        else:
            moves[hit.id] = (f"↑{up}", "up") if up > 0 else (f"↓{-up}", "down") if up else ("=", "")
    return moves


def _overlap(kind: Kind, a: Sequence[Hit], b: Sequence[Hit]) -> str:
    same = len({hit.id for hit in a} & {hit.id for hit in b})
    return (
        f"{same} of {len(a)} {SCOPE_NAMES[kind]} are on both sides. In B: ↑ and ↓ places moved "
        "against A, new: not in A. In A, gone: not in B."
    )


def _here(query: Query) -> str:
    preset = ranking_options.preset_of(query)
    title = ranking_options.PRESETS[preset].title if preset else ranking_options.CUSTOM
    return f"{title}, {state.space().encoder}"


def _titles() -> dict[str, str]:
    here = state.space().encoder
    rankings = {f"{RANKING}{name}": p.title for name, p in ranking_options.PRESETS.items()}
    encoders = state.workbench().encoders(state.collection())
    return rankings | {f"{ENCODER}{e}": f"Encoder {e}" for e in encoders if e != here}


def _chosen() -> str:
    value = session.peek(VERSUS, "")
    return value if value in _titles() else ""
