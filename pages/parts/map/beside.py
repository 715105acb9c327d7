"""A second map beside the first: another encoder, a kept recipe, or the gap kept and removed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core import measure, report
from core.report import Coloring
from core.types import Bools, Floats, Ints
from core.workbench import EncodedCollection, Layout
from pages.parts import formatting, gallery, item, selection, session, state
from pages.parts.map import layout as layouts
from pages.parts.map import plot

NOTHING, ENCODER, RECIPE, GAP = "", "encoder:", "recipe:", "gap"
MOST = 60  # lines to items that moved most
SHOWN = 12
KEY = "_points_beside"


@dataclass(frozen=True)
class Second:
    """The second map: its name, where the items of the first lie on it, and which it has."""

    name: str
    xy: Floats
    rows: Ints


def choose(row: Any) -> str:
    """A box with what can stand beside the map; part of the link. Drawn among the controls."""
    names = dict(_choices())
    with row:
        return session.linked(
            "beside", NOTHING, st.selectbox, "Beside", list(names), among=list(names),
            format_func=names.__getitem__, filter_mode=None,
            help="A second map of the same items: it starts from their places on the first, and is "
            "turned and scaled onto it (Procrustes). Lines lead from old places to new ones.",
        )  # fmt: skip


def second(chosen: str, request: layouts.LayoutRequest, first: Layout) -> Second | None:
    """The map to draw beside the first; None for none."""
    if chosen == NOTHING:
        return None
    bench, encoder, recipe = state.workbench(), state.encoder(), state.recipe()
    opened: EncodedCollection = state.opened()
    there = request
    if chosen == GAP:
        there = replace(request, gap="remove" if request.gap == "keep" else "keep")
    elif chosen.startswith(ENCODER):
        encoder, recipe = chosen.removeprefix(ENCODER), ""
        opened = bench.open(state.collection(), encoder)
    else:
        recipe = chosen.removeprefix(RECIPE)
        opened = bench.repaired(state.as_encoded(), recipe) if recipe else state.as_encoded()
    other = layouts.aligned(opened, layouts.arguments(there, encoder, recipe), request, first)
    key = f"{first.space.key} {first.label} {other.space.key} {other.label}"
    xy, rows = _carried(key, first, other)
    return Second(dict(_choices())[chosen], xy, rows)


def show(here: plot.Drawing, coloring: Coloring, there: Second) -> None:
    """Draw the second map, linked with the first; lines show what moved most."""
    at = report.points_of(here.rows, there.rows)
    moved = _moved(here.layout.xy, there)
    lines = measure.lines_between(here.layout.xy[moved], there.xy[moved])
    drawing = replace(
        here,
        layout=replace(here.layout, xy=there.xy, label=""),
        rows=here.rows[at],
        select=_select,
        over=plot.Overlay(lines=[lines], lit=here.over.lit),
    )
    st.caption(formatting.plain(there.name))
    plot.show(drawing, report.colored_part(coloring, at), selection.mask(), key=KEY)


def moved(here: Layout, there: Second) -> None:
    """The items that moved most, among the selected ones where there are some."""
    rows = _moved(here.xy, there)[:SHOWN]
    among = "selected items" if len(selection.rows()) else "items"
    with st.expander(f"The {among} that moved most", type="compact", key="_moved_most"):
        item.browse(gallery.cards(selection.ids(rows)[:]), key="_moved_gallery", size=96)


def _choices() -> Sequence[tuple[str, str]]:
    bench, here = state.workbench(), state.encoder()
    encoders = bench.encoders(state.collection())
    current = here or encoders[0]
    recipes = [name for name in bench.recipes(state.as_encoded()) if name != state.recipe()]
    return [
        (NOTHING, "Nothing"),
        (GAP, f"Modality gap {'removed' if session.peek('gap', 'keep') == 'keep' else 'kept'}"),
        *([(RECIPE, "Without the recipe")] if state.recipe() else []),
        *((f"{RECIPE}{name}", f"Recipe {formatting.shorten(name, 40)}") for name in recipes),
        *((f"{ENCODER}{e}", f"Encoder {formatting.shorten(e, 40)}") for e in encoders
          if e != current),
    ]  # fmt: skip


@st.cache_resource(max_entries=4, show_spinner=False)
def _carried(key: str, _first: Layout, _other: Layout) -> tuple[Floats, Ints]:
    return measure.carried_over(_first.space, _first.xy, _other.space, _other.xy)


def _moved(xy: Floats, there: Second) -> Ints:
    """The rows that moved most, farthest first."""
    return measure.moved_most(xy, there.xy, selection.rows(), most=MOST)


def _select(layout: Layout, polygon: Sequence[Sequence[float]], shown: Bools | None) -> None:
    selection.choose(report.rows_in_polygon(layout.space, "", layout.xy, polygon, shown)[0])
