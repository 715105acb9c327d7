"""Results of a query by kind: bands, cards or a table, and what the ranking changed."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from math import isfinite
from time import sleep
from typing import NamedTuple

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ASSETS
from core.search import SearchResult, describe_changes
from core.types import BANDS, MISS, SCOPE_NAMES, Hit, Kind, Query, Value
from pages.parts import controls, formatting, gallery, item, session, state
from pages.parts.search import selection

AID = (
    "Under each result: rank, band, cosine similarity to the query, and P(match), the probability "
    "that it matches; without it the p-value of an unrelated item. Hub ×3: in the nearest-neighbor "
    "lists of three times more items than average. Arrow keys move between results, Enter opens "
    "one, X selects it."
)
BROWSER_INTEGERS = 2**53
VIEWS = {"grid": ":material/grid_view: Grid", "table": ":material/table_rows: Table"}
WIDTHS = {"image": 190, "text": 330}
LEFT_WIDTH = 120
PAINT_S = 0.05
MANY = 200_000  # items, among which a search may take a moment
ALL = 1000  # results that "Export" saves at most
_FILES = ASSETS / "bands"
_BANDS = st.components.v2.component(
    "sextant_bands",
    css=(_FILES / "bands.css").read_text("utf-8"),
    js=(_FILES / "bands.js").read_text("utf-8"),
)


class Shown(NamedTuple):
    """A result and the cards that show its hits."""

    result: SearchResult
    cards: Sequence[gallery.Card]


def find(query: Query, model: str | None = None) -> dict[Kind, Shown]:
    """The open page of results by kind; images and texts are ranked separately."""
    slow = bool(query.rerank) or state.space().n > MANY
    with st.spinner("Searching…", show_time=True) if slow else nullcontext():
        results = {
            kind: state.search(replace(query, kinds=(kind,)), model=model) for kind in query.kinds
        }
        return {
            kind: Shown(result, gallery.hits(result.hits, by_band=bool(result.estimates)))
            for kind, result in results.items()
        }


def on_page(query: Query | None) -> Query | None:
    """The query with the open page of its results; another query starts at the first."""
    if query is None:
        return None
    return replace(query, start=controls.page(query=replace(query, miss=MISS).key) * query.k)


def show(query: Query, shown: Mapping[Kind, Shown]) -> None:
    """Draw the results, images first."""
    judged = any(isfinite(e.p) for one in shown.values() for e in one.result.estimates.values())
    for n, (kind, (result, cards)) in enumerate(shown.items()):
        if result.hits:
            _head(kind, result, cutoff=judged and not n)
            if not n:
                selection.bar()
            if view() == "table":
                _table(kind, result, cards)
            else:
                of_kind = replace(query, kinds=(kind,), start=0, miss=MISS)
                item.browse(
                    cards, key=f"_results_{kind}", size=WIDTHS[kind], query=of_kind,
                    picked=selection.picked(), pick=selection.toggle,
                )  # fmt: skip
            _changes(kind, result)
        elif len(shown) == 1:
            why = ": no item passes the filters" if query.filters or query.among else ""
            st.caption(f"No {SCOPE_NAMES[kind]} to search{why}.")
    if view() == "grid" and any(one.result.hits for one in shown.values()):
        st.caption(AID)
    controls.paging(max((one.result.n for one in shown.values()), default=0), query.k)


def view() -> str:
    """How results are shown: "grid" or "table"."""
    value = session.peek("view", "grid")
    return value if value in VIEWS else "grid"


def choose_view() -> None:
    """Cards or a table; part of the link."""
    session.linked(
        "view", "grid", st.segmented_control, "View", list(VIEWS), among=list(VIEWS),
        format_func=VIEWS.__getitem__, required=True,
        label_visibility="collapsed",
    )  # fmt: skip


def export(place: DeltaGenerator, query: Query | None, shown: Mapping[Kind, Shown]) -> None:
    """A menu that saves this page, or all strong and likely matches; drawn when opened."""
    if query is None or not shown:
        session.reserve(place)
        return
    with (
        place,
        st.popover(
            "Export", icon=":material/download:", type="tertiary", key="_export_all",
            on_change="rerun",
        ) as box,
    ):  # fmt: skip
        if not box.open:
            return
        bench, opened = state.workbench(), state.opened()
        for kind, (result, _) in shown.items():
            name = SCOPE_NAMES[kind]
            every = replace(query, kinds=(kind,), start=0, k=ALL)
            controls.download(
                gallery.rows(result.hits), f"results-{name}", label=f"The {name} on this page",
            )  # fmt: skip
            controls.download(
                gallery.rows(lambda q=every: bench.search(opened, q).hits), f"all-{name}",
                label=f"The best {min(ALL, result.n):,} {name}",
            )  # fmt: skip
            if result.matches:
                matching = replace(every, k=result.matches)
                controls.download(
                    gallery.rows(
                        lambda q=matching: [h for h in bench.search(opened, q).hits if h.match]
                    ),
                    f"matches-{name}", label=f"Strong and likely {name} ({result.matches:,})",
                )  # fmt: skip


def wait_for_browser() -> None:
    """Wait while the browser draws the results; what is sent earlier would be drawn before them."""
    sleep(PAINT_S)


def _head(kind: Kind, result: SearchResult, *, cutoff: bool) -> None:
    """The bands with their counts, the cutoff, and which results are on this page."""
    name, (estimate, *_) = SCOPE_NAMES[kind], (*result.estimates.values(), None)
    first, last = result.hits[0].rank, result.hits[-1].rank
    shown = f"{name} {first}–{last} of {result.n:,}"
    about = f":small[:gray[{shown}]]"
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"head_{kind}", gap="medium"
    ):
        if result.no_match:
            st.markdown(f"**Probably no match** &ensp; {about}", width="stretch")
        elif estimate is None:
            st.markdown(
                f"**Best first** &ensp; {about}", width="stretch",
                help=formatting.plain(result.sentence),
            )  # fmt: skip
        else:
            counts = zip(BANDS[1:], estimate.counts, strict=True)
            bands = [
                {"name": b, "count": n, "text": f"{'~' if b == 'likely' else ''}{n:,}"}
                for b, n in counts
            ]
            _BANDS(
                key=f"_bands_{kind}", width="stretch",
                data={"bands": bands, "list": f"_results_{kind}", "shown": shown},
            )  # fmt: skip
        if cutoff:
            controls.level()
    for note in result.notes:
        st.caption(f":material/info: {formatting.plain(note)}")


def _table(kind: Kind, result: SearchResult, cards: Sequence[gallery.Card]) -> None:
    """The results as a table that can be sorted, searched, saved and selected from."""
    by_id: dict[str, Hit] = {hit.id: hit for hit in result.hits}
    items = state.items(list(by_id))
    tags = gallery.tags(list(by_id))
    fields = sorted({name for one in items.values() for name in one.attributes})
    cards = sorted(cards, key=lambda card: by_id[card.id].rank)
    ids = [card.id for card in cards]
    labeled, judged = any(card.labels for card in cards), any(card.band for card in cards)
    calibrated = any(isfinite(hit.probability) for hit in result.hits)
    rows = [
        {
            **({"image": card.image} if kind == "image" else {}),
            "rank": by_id[card.id].rank,
            "caption": card.caption or card.name,
            **({"band": card.band} if judged else {}),
            "cosine": by_id[card.id].cosine,
            **({"P(match)": by_id[card.id].probability} if calibrated else {}),
            "p": by_id[card.id].p_null,
            **({"labels": list(card.labels)} if labeled else {}),
            **({"tags": tags.get(card.id, [])} if tags else {}),
            "name": card.name,
            **{gallery.column_of(f): _cell(items[card.id].attributes.get(f)) for f in fields},
        }
        for card in cards
    ]
    key, chosen = selection.table_key(kind, ids), selection.picked()

    def select() -> None:
        now = session.sent(key, "selection")
        if now:
            selection.select([ids[row] for row in now["rows"] if row < len(ids)], among=ids)

    decimals = st.column_config.NumberColumn(format="%.3f", width="small")
    st.dataframe(
        rows, hide_index=True, key=key, on_select=select, selection_mode="multi-row",
        selection_default={
            "selection": {"rows": [n for n, id_ in enumerate(ids) if id_ in chosen]}
        },
        row_height=52 if kind == "image" else None,
        column_config={
            "image": st.column_config.ImageColumn("", width="small"),
            "rank": st.column_config.NumberColumn(width="small"),
            "caption": st.column_config.TextColumn(width="large"),
            "cosine": decimals, "P(match)": decimals, "p": decimals,
            "labels": st.column_config.ListColumn(width="medium"),
            "tags": st.column_config.ListColumn(width="medium"),
        },
        alt=f"Results: {SCOPE_NAMES[kind]} with rank, band, cosine, probability and labels",
        height="content",
    )  # fmt: skip


def _cell(value: Value | None) -> Value | None:
    """An attribute in a table; browsers would round integers of 17 digits and more.

    >>> _cell(1294030472427835391), _cell(7)
    ('1294030472427835391', 7)
    """
    return str(value) if isinstance(value, int) and abs(value) > BROWSER_INTEGERS else value


def _changes(kind: Kind, result: SearchResult) -> None:
    """What the ranking options changed, and the hits that left this page."""
    sentence = describe_changes(result)
    if not sentence:
        return
    st.caption(formatting.plain(sentence))
    if result.left:
        with st.expander("Results that left this page", type="compact", key=f"_moved_{kind}"):
            st.caption("Ranks by cosine similarity.")
            item.browse(gallery.hits(result.left), key=f"_left_{kind}", size=LEFT_WIDTH)
