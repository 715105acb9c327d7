"""Controls of the map: layout, modality gap and color, and the layers they give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import report
from core.errors import InputError
from core.measure import DIAGNOSTICS
from core.report import Layer
from core.types import SCOPE_NAMES, Finding
from core.workbench import Layout, tasks
from pages.parts import charts, formatting, session, state
from pages.parts.controls import download

KEY = "_points"  # of the figure
KIND, LABEL = "kind", "label"
FIELD = "is."  # before an attribute's name, as in the link of a filter
OWN = ("kind", "label", "name", "text")
METHODS = {"umap": "UMAP", "pca": "PCA"}
GAPS = {"keep": "Kept", "remove": "Removed"}
AIDS = {
    "umap": "UMAP preserves neighborhoods. Distances between groups, their sizes and empty space "
    "are not meaningful.",
    "pca": "PCA shows the plane of largest variance. Points far apart here are far apart in the "
    "space; near ones need not be near.",
}


@dataclass(frozen=True)
class LayoutRequest:
    """The chosen view; `row` is the container of the controls."""

    method: str
    gap: str
    color: str
    row: Any


def controls() -> LayoutRequest:
    """Layout, modality gap and color, in one row; part of the link."""
    row = st.container(horizontal=True, vertical_alignment="top")
    with row:
        method = session.linked(
            "map", "umap", st.segmented_control, "Layout", list(METHODS), among=list(METHODS),
            format_func=METHODS.__getitem__, required=True,
        )  # fmt: skip
        gap = session.linked(
            "gap", "keep", st.segmented_control, "Modality gap", list(GAPS), among=list(GAPS),
            format_func=GAPS.__getitem__, required=True,
            help="Removed: the mean of the images and of the texts is subtracted first, so that "
            "both kinds share one center.",
        )  # fmt: skip
        names = _colors()
        color = session.linked(
            "colour", KIND, st.selectbox, "Color", list(names), among=list(names),
            format_func=names.__getitem__, filter_mode=None, width=200,
        )  # fmt: skip
    return LayoutRequest(method, gap, color, row)


def layout(request: LayoutRequest) -> Layout:
    """The requested layout; PCA while a slower one is computed in the background."""
    bench, opened = state.workbench(), state.opened()
    if request.method == "pca" or bench.has_layout(opened, request.method, gap=request.gap):
        return bench.layout(opened, request.method, gap=request.gap)
    _compute(state.collection(), state.encoder(), request)
    return bench.layout(opened, "pca", gap=request.gap)


def layers(request: LayoutRequest, layout: Layout) -> tuple[Layer, ...]:
    """Layers of points, by the chosen color: gray ones below texts, texts below images."""
    space, rows = layout.space, report.sample_for_map(layout.space)
    if request.color == KIND:
        layers = report.by_kind(space, rows)
    elif request.color == LABEL:
        layers = report.by_label(space, rows)
    elif request.color.startswith(FIELD):
        field = request.color.removeprefix(FIELD)
        values = state.workbench().values(state.opened(), field)
        layers = report.by_attribute(space, rows, values, field)
    else:
        layers = report.by_finding(space, rows, _finding(request))
    return tuple(sorted(layers, key=lambda layer: (layer.hue >= 0, layer.kind == "image")))


def aid(layout: Layout, layers: Sequence[Layer]) -> None:
    """How to read and use the map, and whether it is a sample."""
    n = sum(len(layer.rows) for layer in layers)
    part = f" Random sample: {n:,} of {layout.space.n:,} items." if n < layout.space.n else ""
    with st.container(horizontal=True, key="_aid_points"):
        st.caption(
            f"{AIDS[layout.method]}{part} Dots: images, rings: texts. Drag to select points, "
            "double-click to clear the selection, scroll to zoom, click to open an item."
        )
        download(lambda: _rows(layout, layers), "map")
        charts.save_image(KEY)


def _rows(layout: Layout, layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """The points on the map, as numbers."""
    return [
        {
            "id": layout.space.ids[row], "kind": layer.kind, "layer": layer.name,
            "x": float(layout.xy[row, 0]), "y": float(layout.xy[row, 1]),
            "value": "" if layer.values is None else float(layer.values[at]),
        }
        for layer in layers
        for at, row in enumerate(layer.rows)
    ]  # fmt: skip


def _compute(name: str, encoder: str | None, request: LayoutRequest) -> None:
    """Start computing a layout; a failed one is retried on request."""
    bench, title = state.workbench(), METHODS[request.method]
    arguments = {
        "name": name, "method": request.method, "encoder": encoder, "settings": {"gap": request.gap}
    }  # fmt: skip
    last = bench.jobs.latest("layout", arguments)
    again = False
    if last and last.state in ("failed", "cancelled"):
        st.warning(
            f"{title} is not available: {last.sentence} PCA is shown.", icon=":material/info:"
        )
        again = st.button(f"Compute {title} again", key="_again")
    elif last and last.state == "running":
        st.caption(f":material/hourglass_top: Computing {title}; PCA is shown until then.")
    if last is None or last.state in ("done", "interrupted") or again:
        tasks.start(bench, "layout", f"{title} of {name}", **arguments)
        st.rerun()


def _colors() -> dict[str, str]:
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
    return {KIND: "Images and texts", **label, **attributes, **parts}


def _finding(request: LayoutRequest) -> Finding:
    with st.spinner("Measuring…"):
        every, lacks = state.measured(request.color)
    if not every:
        raise InputError(lacks)
    by_scope = {f.scope: f for f in every if f.per_item is not None}
    scopes = list(by_scope)
    if len(scopes) < 2:
        return by_scope[scopes[0]] if scopes else every[0]
    with request.row:
        scope = session.linked(
            "of", scopes[0], st.segmented_control, "Measured among", scopes, among=scopes,
            format_func=SCOPE_NAMES.__getitem__, required=True,
        )  # fmt: skip
    return by_scope[scope]
