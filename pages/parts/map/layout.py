"""Controls of the map: layout and color in a row, everything else behind Options."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.measure import LEAST_LAID_OUT, PROJECTIONS
from core.workbench import EncodedCollection, Layout, tasks
from pages.parts import jobs, session, state

# A newcomer's first, then by how often they are wanted.
METHODS = ("umap", "pca", "tsne", "densmap", "fastrp", "gap_view")
GAPS = {"keep": "Kept", "remove": "Removed"}
KINDS = {"together": "Together", "apart": "Apart"}
OWN = 0  # neighbors: as many as the layout takes by itself
NEIGHBORS = (OWN, 5, 10, 20, 50, 100)
SHOWN_UNTIL = "pca"


@dataclass(frozen=True)
class LayoutRequest:
    """The chosen view; `colors` is the container of the choice of colors, `options` of others."""

    method: str
    gap: str
    colors: Any
    options: Any
    kinds: str = "together"
    neighbors: int = OWN
    fade: bool = False
    lines: bool = True
    pairs: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """Those that the layout has; others than the gap only where they are not its own."""
        chosen = {
            "gap": self.gap,
            **({"kinds": self.kinds} if self.kinds != "together" else {}),
            **({"neighbors": self.neighbors} if self.neighbors != OWN else {}),
        }
        return {name: value for name, value in chosen.items() if name in _takes(self.method)}


def controls() -> LayoutRequest:
    """Layout and color in one row, the rest in Options; part of the link."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    parts = {name: PROJECTIONS.get(name) for name in METHODS}
    with row:
        method = session.linked(
            "map", "umap", st.selectbox, "Layout", list(METHODS), among=list(METHODS),
            format_func=lambda name: parts[name].title, filter_mode=None, width=160,
            help="\n".join(
                f"- **{part.title}**: {part.summary} {part.traits['cost']}"
                for part in parts.values()
            ),
        )  # fmt: skip
        colors = st.container(horizontal=True, vertical_alignment="bottom", width="content")
        options = st.popover("Options", icon=":material/tune:", key="_map_options")
    with options:
        gap = session.linked(
            "gap", "keep", st.segmented_control, "Modality gap", list(GAPS), among=list(GAPS),
            format_func=GAPS.__getitem__, required=True, disabled="gap" not in _takes(method),
            help="Removed: the mean of the images and of the texts is subtracted first, so that "
            "both kinds share one center.",
        )  # fmt: skip
        kinds = session.linked(
            "kinds", "together", st.segmented_control, "Images and texts", list(KINDS),
            among=list(KINDS), format_func=KINDS.__getitem__, required=True,
            disabled="kinds" not in _takes(method),
            help="Apart: images are laid out alone, and texts alone beside them.",
        )  # fmt: skip
        neighbors = session.linked(
            "neighbors", OWN, st.selectbox, "Neighbors", list(NEIGHBORS), among=list(NEIGHBORS),
            format_func=lambda k: str(k) if k else "Default", filter_mode=None,
            disabled="neighbors" not in _takes(method),
            help="Of each item, that the layout tries to keep near: few for detail, many for the "
            "global shape.",
        )  # fmt: skip
        fade = session.linked(
            "fade", False, st.toggle, "Fade what cannot be trusted",
            help="Points whose neighbors here are not their neighbors in the space fade, by their "
            "own trustworthiness.",
        )  # fmt: skip
        lines = session.linked(
            "lines", True, st.toggle, "Lines to true neighbors",
            help="From the item that was opened last to the 15 most similar items in the space.",
        )  # fmt: skip
        pairs = session.linked(
            "pairs", False, st.toggle, "Lines between pairs",
            help="From images to their texts: 2,000 pairs at random, or those of the selected "
            "items.",
        )  # fmt: skip
    return LayoutRequest(method, gap, colors, options, kinds, neighbors, fade, lines, pairs)


def reading(layout: Layout) -> str:
    """How to read a layout."""
    return str(PROJECTIONS.get(layout.method).traits["reading"])


def layout(request: LayoutRequest) -> Layout:
    """The requested layout; PCA while a slower one is computed in the background."""
    bench, opened = state.workbench(), state.opened()
    slow = PROJECTIONS.get(request.method).traits["slow"]
    if not slow or bench.has_layout(opened, request.method, **request.settings):
        return bench.layout(opened, request.method, **request.settings)
    if opened.space.n < LEAST_LAID_OUT:
        title = PROJECTIONS.get(request.method).title
        st.caption(f"{title} needs at least {LEAST_LAID_OUT} items; PCA is shown.")
        return bench.layout(opened, SHOWN_UNTIL, gap=request.gap)
    _compute(arguments(request, state.encoder(), state.recipe()))
    return bench.layout(opened, SHOWN_UNTIL, gap=request.gap)


def aligned(
    opened: EncodedCollection, wanted: dict[str, Any], request: LayoutRequest, first: Layout
) -> Layout:
    """The same of other vectors, started from the places of a first map: what agrees stays there.

    Args:
        opened: the collection with those vectors.
        wanted: arguments of the job that computes their layout.
        request: of the first map.
        first: the first map.
    """
    bench, method, settings = state.workbench(), wanted["method"], wanted["settings"]
    if not PROJECTIONS.get(method).traits["slow"]:
        return bench.layout(opened, method, **settings)
    if first.method == method:
        if bench.has_layout(opened, method, like=first, **settings):
            return bench.layout(opened, method, like=first, **settings)
        like = arguments(request, state.encoder(), state.recipe())
        kept = ("encoder", "recipe", "settings")
        _compute({**wanted, "like": {name: like[name] for name in kept if name in like}})
    return bench.layout(opened, SHOWN_UNTIL, gap=settings.get("gap", "keep"))


def arguments(request: LayoutRequest, encoder: str | None, recipe: str) -> dict[str, Any]:
    """Those of the job that computes a layout."""
    return {
        "name": state.collection(), "method": request.method, "encoder": encoder,
        "settings": request.settings, **({"recipe": recipe} if recipe else {}),
    }  # fmt: skip


def _compute(wanted: dict[str, Any]) -> None:
    """Start computing a layout; a failed one is retried on request."""
    bench, title = state.workbench(), PROJECTIONS.get(wanted["method"]).title
    last = bench.jobs.latest("layout", wanted)
    again = False
    if last and last.state in ("failed", "cancelled"):
        st.warning(
            f"{title} is not available: {last.sentence} PCA is shown.", icon=":material/info:"
        )
        again = st.button(f"Compute {title} again", key=f"_again_{last.id}")
    elif last and last.state == "running":
        st.caption(f":material/hourglass_top: Computing {title}; PCA is shown until then.")
        jobs.awaited(last)
    if last is None or last.state in ("done", "interrupted") or again:
        tasks.start(bench, "layout", f"{title} of {wanted['name']}", **wanted)
        st.rerun()


def _takes(method: str) -> set[str]:
    """The settings of a layout."""
    return {param.name for param in PROJECTIONS.get(method).params}
