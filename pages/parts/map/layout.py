"""Controls of the map: layout, modality gap and color."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.workbench import EncodedCollection, Layout, tasks
from pages.parts import session, state
from pages.parts.map import coloring

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
        color = coloring.control()
    return LayoutRequest(method, gap, color, row)


def layout(request: LayoutRequest) -> Layout:
    """The requested layout; PCA while a slower one is computed in the background."""
    return layout_of(state.opened(), request, encoder=state.encoder(), recipe=state.recipe())


def layout_of(
    opened: EncodedCollection, request: LayoutRequest, *, encoder: str | None, recipe: str
) -> Layout:
    """The same of another encoder's vectors, or of repaired ones."""
    bench = state.workbench()
    if request.method == "pca" or bench.has_layout(opened, request.method, gap=request.gap):
        return bench.layout(opened, request.method, gap=request.gap)
    _compute(state.collection(), encoder, recipe, request)
    return bench.layout(opened, "pca", gap=request.gap)


def _compute(name: str, encoder: str | None, recipe: str, request: LayoutRequest) -> None:
    """Start computing a layout; a failed one is retried on request."""
    bench, title = state.workbench(), METHODS[request.method]
    arguments = {
        "name": name, "method": request.method, "encoder": encoder,
        "settings": {"gap": request.gap}, **({"recipe": recipe} if recipe else {}),
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
