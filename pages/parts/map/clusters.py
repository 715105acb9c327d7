"""Clusters of the map: found once, their names over the points, and a list that selects them."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import report
from core.measure import Clusters
from core.workbench import Layout, tasks
from pages.parts import formatting, jobs, selection, session, state

KEY = "clusters_by"
DENSITY, MEANS = "density", "means"
METHODS = {DENSITY: "On the map", MEANS: "Of the vectors"}
ABOUT = (
    "**On the map**: HDBSCAN, groups of points that lie close together in this layout, whatever "
    "their shape; points between them are in none. **Of the vectors**: k-means with 20 clusters in "
    "all dimensions; it divides everything, and a cluster may lie in several places. Both look at "
    "10,000 items at most. Names are words over-represented in the captions of a cluster; without "
    "such words, those that the encoder finds in its images rather than in the others (zero-shot)."
)
LISTED = 40
AT_ONCE = 20_000  # points among which clusters are found in seconds, without being asked for


def known(layout: Layout) -> Clusters | None:
    """The clusters of a layout where they were found before; finding them may take seconds."""
    method = session.read(KEY, DENSITY)
    if not state.workbench().has_clusters(state.opened(), layout, method):
        return None
    return of(layout)


def of(layout: Layout) -> Clusters:
    """The clusters of a layout, with names; kept while the collection and the layout are these."""
    found = _found(_key(layout), layout, session.read(KEY, DENSITY))
    if found.lacks_names and state.workbench().has_words(state.opened()):
        return _found(f"{_key(layout)} with words", layout, session.read(KEY, DENSITY))
    return found


def _key(layout: Layout) -> str:
    name = report.layout_name(layout.label, layout.xy)
    return f"{state.items_key()} {name} {session.read(KEY, DENSITY)}"


@st.cache_resource(max_entries=8, show_spinner="Finding clusters…")
def _found(key: str, _layout: Layout, method: str) -> Clusters:
    return state.workbench().clusters(state.opened(), _layout, method)


def names(layout: Layout) -> Sequence[tuple[float, float, str, float]]:
    """Where each cluster lies on the map, its name and its size."""
    found = known(layout)
    if found is None:
        return ()
    rows = zip(found.centers.tolist(), found.names, found.sizes.tolist(), strict=True)
    return [(x, y, name.partition(" (")[0], float(size)) for (x, y), name, size in rows]


def select(layout: Layout, number: int) -> None:
    """Select a cluster; a callback."""
    selection.choose(of(layout).rows(number))


def listed(layout: Layout, wanted: dict[str, Any]) -> None:
    """The clusters, largest first; a click selects one.

    Args:
        layout: on which they lie.
        wanted: arguments of the job that computes the layout.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="map_clusters"):
        st.markdown("###### Clusters", anchors=False, width="stretch", help=ABOUT)
        session.linked(
            KEY, DENSITY, st.segmented_control, "Found", list(METHODS), among=list(METHODS),
            format_func=METHODS.__getitem__, required=True, label_visibility="collapsed",
        )  # fmt: skip
    found = known(layout)
    if found is None and layout.space.n <= AT_ONCE:
        found = of(layout)
        if session.get(state.MAP_CLUSTERED, "") != _key(layout):
            session.store(state.MAP_CLUSTERED, _key(layout))
            st.rerun()  # their names stand on the map, which is drawn above
    if found is None:
        st.button(
            "Find clusters", key="_find_clusters", icon=":material/bubble_chart:",
            on_click=of, args=(layout,),
        )  # fmt: skip
        return
    if not len(found.sizes):
        st.caption("No group of points is dense enough to be a cluster. Try those of the vectors.")
        return
    with st.container(key="map_cluster_list", height=420, border=False, gap=None):
        for c, (name, size) in enumerate(zip(found.names[:LISTED], found.sizes, strict=False)):
            st.button(
                f"{formatting.plain(name)} &ensp;:gray[{int(size):,}]", key=f"_cluster_{c}",
                type="tertiary", on_click=select, args=(layout, c),
            )  # fmt: skip
    _named(found, layout, wanted)
    outside = 1 - found.sizes.sum() / max(len(found.of), 1)
    if outside > 0:
        st.caption(f"{outside:.0%} of the points are in no cluster.")


def _named(found: Clusters, layout: Layout, wanted: dict[str, Any]) -> None:
    """How names were found; words that the encoder names clusters with are encoded once."""
    bench, opened = state.workbench(), state.opened()
    asked = found.lacks_names and layout.space.n_images and layout.method == wanted["method"]
    if not asked or bench.text_search_off(opened):
        st.caption(formatting.plain(found.naming))
        return
    wanted = {**wanted, "by": session.read(KEY, DENSITY)}
    last = bench.jobs.latest("cluster_names", wanted)
    if last is None or last.state == "interrupted":
        last = tasks.start(bench, "cluster_names", "Naming clusters", **wanted)
    if last.state == "running":
        jobs.awaited(last)
    else:
        st.caption(formatting.plain(f"{found.naming} {last.sentence}"))
