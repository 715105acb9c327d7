"""What the points of the map are colored by."""

from typing import Any

import streamlit as st

from core import report
from core.errors import InputError
from core.measure import DIAGNOSTICS
from core.report import Coloring
from core.types import SCOPE_NAMES, Finding, Ints
from core.workbench import Layout
from pages.parts import formatting, session, state
from pages.parts.map import clusters

KIND, LABEL, CLUSTERS = "kind", "label", "clusters"
FIELD = "is."  # before an attribute's name, as in the link of a filter
OWN = ("kind", "label", "name", "text")


def chosen(rows: Ints, layout: Layout, place: Any) -> Coloring:
    """The colors of the drawn points, after a box to choose them; part of the link.

    The colors of the last few choices are kept.

    Args:
        rows: of the space that are drawn.
        layout: of the points, for its clusters.
        place: the container of the box.
    """
    names = _names(state.tags_key())
    with place:
        color = session.linked(
            "color", KIND, st.selectbox, "Color", list(names), among=list(names),
            format_func=names.__getitem__, filter_mode=None, width=200,
        )  # fmt: skip
        finding = None
        if color not in (KIND, LABEL, CLUSTERS) and not color.startswith(FIELD):
            finding = _finding(color)
    if color == CLUSTERS:
        if clusters.known(layout) is None:
            clusters.of(layout)
            st.rerun()  # their names are drawn over the points, and listed beside
        return report.by_cluster(rows, clusters.of(layout))
    scope = finding.scope if finding else ""
    return _coloring(_key(color, rows, scope), color, rows, finding)


def by_label(rows: Ints) -> Coloring | None:
    """The colors of the drawn points by label; None where nothing has one."""
    return _coloring(_key(LABEL, rows), LABEL, rows, None) if any(state.space().labels) else None


def _key(color: str, rows: Ints, scope: str = "") -> str:
    return f"{state.tags_key()} {color} {scope} {len(rows)}"


@st.cache_resource(max_entries=8, show_spinner=False)
def _coloring(key: str, color: str, _rows: Ints, _found: Finding | None) -> Coloring:
    space = state.space()
    if _found is not None:
        return report.by_finding(_rows, _found)
    if color == KIND:
        return report.by_kind(space, _rows)
    if color == LABEL:
        return report.by_label(space, _rows)
    field = color.removeprefix(FIELD)
    return report.by_attribute(space, _rows, state.workbench().values(state.opened(), field), field)


@st.cache_data(max_entries=8, show_spinner=False)
def _names(key: str) -> dict[str, str]:
    """What points can be colored by: kind, label, tag, attributes, and diagnostics per item."""
    parts = {p.name: p.title for p in DIAGNOSTICS.all().values() if p.traits["per_item"]}
    label = {LABEL: "Label"} if any(state.space().labels) else {}
    fields = [
        field.name
        for field in state.workbench().fields(state.collection())
        if field.name not in OWN and (field.values or field.type != "str")
    ]
    named = {name: formatting.shorten(f"{name[:1].upper()}{name[1:]}", 40) for name in fields}
    attributes = {f"{FIELD}{name}": title for name, title in named.items()}
    return {KIND: "Images and texts", CLUSTERS: "Clusters", **label, **attributes, **parts}


def _finding(color: str) -> Finding:
    """What a diagnostic measured, of the kind that a second box chooses."""
    with st.spinner("Measuring…"):
        every, lacks = state.measured(color)
    if not every:
        raise InputError(lacks)
    by_scope = {f.scope: f for f in every if f.per_item is not None}
    scopes = list(by_scope)
    if len(scopes) < 2:
        return by_scope[scopes[0]] if scopes else every[0]
    scope = session.linked(
        "of", scopes[0], st.segmented_control, "Measured among", scopes, among=scopes,
        format_func=SCOPE_NAMES.__getitem__, required=True,
    )  # fmt: skip
    return by_scope[scope]
