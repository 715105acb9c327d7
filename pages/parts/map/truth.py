"""How far the map can be trusted: a sentence under it, faded points, lines to true neighbors."""

from math import isfinite
from typing import Any

import streamlit as st

from core import measure, report
from core.measure import PROJECTIONS, MapQuality
from core.types import Floats
from core.workbench import Layout, tasks
from pages.parts import jobs, session, state
from pages.parts.formatting import plain
from pages.parts.map import layout as layouts
from pages.parts.map.layout import LayoutRequest

AT_ONCE = 3_000  # points that are measured within a second, while the page waits


def quality(layout: Layout) -> MapQuality | None:
    """How far the layout can be trusted, where that is known or measured at once."""
    bench, opened = state.workbench(), state.opened()
    if measure.LEAST_ON_MAP <= layout.space.n <= AT_ONCE:
        return bench.map_quality(opened, layout)
    return bench.known_map_quality(opened, layout)


def fade(layout: Layout, request: LayoutRequest) -> Any:
    """(n,) how little each point's place can be trusted, as a byte; None where nothing fades."""
    found = quality(layout) if request.fade else None
    if found is None:
        return None
    name = report.layout_name(layout.label, layout.xy)
    return _fade(f"{layout.space.key} {name}", layout, found)


def lines(layout: Layout, request: LayoutRequest) -> list[Floats]:
    """Lines from the item that was last opened on the map to its true neighbors."""
    row = layout.space.row.get(session.get(state.MAP_OPENED, "")) if request.lines else None
    if row is None:
        return []
    near = _neighbors(f"{layout.space.key} {layout.gap} {row}", layout, row)
    return [measure.lines_between(layout.xy[row], layout.xy[near])]


def sentence(layout: Layout, request: LayoutRequest) -> None:
    """What the map keeps, beside chance; measured in the background where it is not known."""
    found = quality(layout)
    if found is not None:
        st.caption(plain(found.sentence), help=_details(layout, request, found))
    elif layout.method == request.method and layout.space.n >= measure.LEAST_ON_MAP:
        _measure(request)
    with request.options:
        _seeds(request)


def _measure(request: LayoutRequest) -> None:
    wanted = layouts.arguments(request, state.encoder(), state.recipe())
    bench = state.workbench()
    last = bench.jobs.latest("map_quality", wanted)
    if last is None or last.state in ("done", "interrupted"):
        last = tasks.start(bench, "map_quality", "How far the map can be trusted", **wanted)
    if last.state == "running":
        jobs.awaited(last)
    else:
        st.caption(f"How far the map can be trusted is not known: {plain(last.sentence)}")


def _details(layout: Layout, request: LayoutRequest, found: MapQuality) -> str:
    """Every number of the quality, as Markdown."""
    rows = [
        ("Trustworthiness", found.mean(found.trustworthiness), found.random[0]),
        ("Continuity", found.mean(found.continuity), found.random[0]),
        *(
            (f"Recall of {k} neighbors", found.mean(found.recall[:, at]), k / (found.n - 1))
            for at, k in enumerate(found.ks)
        ),
    ]
    lines = [f"- {name}: {value:.3f} ({low:.3f} to {high:.3f}; random places {chance:.3f})"
             for name, (value, low, high), chance in rows]  # fmt: skip
    for hop, value in enumerate(found.reconstruction, 1):
        if isfinite(value):
            near = f"Items within {hop} hops" if hop > 1 else "Neighbors on the graph"
            lines.append(
                f"- {near} found by distance here: mAP {value:.3f} (random places "
                f"{found.random[1 + hop]:.3f})"
            )
    seeds = state.workbench().seed_stability(state.opened(), request.method, **request.settings)
    if seeds and layout.method == request.method:
        lines.append(
            f"- Seed to seed: {measure.share(seeds[0])} of each point's nearest are the same "
            f"(unrelated maps: {measure.share(seeds[1])})"
        )
    return "\n".join(lines)


def _seeds(request: LayoutRequest) -> None:
    """A button that computes the layout with another seed, and one that lays it out anew."""
    bench, part = state.workbench(), PROJECTIONS.get(request.method)
    if not part.traits["slow"] or not bench.has_layout(
        state.opened(), request.method, **request.settings
    ):
        return
    wanted = layouts.arguments(request, state.encoder(), state.recipe())
    other = {**wanted, "settings": {**request.settings, "seed": 1}}
    known = bench.has_layout(state.opened(), request.method, **other["settings"])
    if not known and st.button(
        "Measure the stability", icon=":material/casino:", key="_map_seeds", width="stretch",
        help="Lays the map out with another seed and compares the neighbors. As long as the map "
        "itself took; the result stands in the help of the sentence under the map.",
    ):  # fmt: skip
        tasks.start(bench, "layout", f"{part.title} with another seed", **other)
        st.rerun()
    if st.button(
        "Lay out anew", icon=":material/refresh:", key="_map_anew", width="stretch",
        help="Items that were added later are placed between the others, which stay. This lays "
        "out all of them together.",
    ):  # fmt: skip
        tasks.start(bench, "layout", f"{part.title} anew", **wanted, anew=True)
        st.rerun()
    for job in (bench.jobs.latest("layout", each) for each in (other, {**wanted, "anew": True})):
        if job and job.state == "running":
            jobs.awaited(job)


@st.cache_resource(max_entries=4, show_spinner=False)
def _fade(key: str, _layout: Layout, _found: MapQuality) -> Any:
    found = _found
    return measure.distrust(_layout.xy, found.rows, found.trustworthiness, float(found.random[0]))


@st.cache_data(max_entries=64, show_spinner=False)
def _neighbors(key: str, _layout: Layout, row: int) -> Any:
    return measure.true_neighbors(_layout.space, row, gap=_layout.gap)[0]
