"""The map's figure: the points, how they look, and which of them are selected."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import views
from core.types import digest
from core.views import Layer
from core.workbench import Layout
from pages.parts import draw, state

KEY = "_points"
# Visible on white and on black; the high end is the loud one, in both.
RAMP = ("#3d9db4", "#7faf95", "#cda545", "#d8713c", "#c2304f")
CONFIG = {
    "displayModeBar": True,
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["toImage", "autoScale2d", "hoverClosestCartesian"],
}


def figure(layout: Layout, layers: Sequence[Layer], selected: Sequence[str]) -> go.Figure:
    """Points by layer. `selected` ids are lit from the start."""
    n = sum(len(layer.rows) for layer in layers)
    size, opacity = (7, 0.75) if n < 3_000 else (4.5, 0.65) if n < 30_000 else (3, 0.5)
    ends = views.ends(layers)
    drawn = go.Figure()
    seen: set[str] = set()
    lit = views.places(layout.space, layers, selected)
    for layer, places in zip(layers, lit, strict=True):
        drawn.add_scattergl(
            x=layout.xy[layer.rows, 0],
            y=layout.xy[layer.rows, 1],
            name=layer.name,
            legendgroup=layer.name,
            legendrank=1000 if layer.hue >= 0 else 2000,
            showlegend=layer.name not in seen and layer.values is None,
            mode="markers",
            marker=_marker(layer, size, opacity),
            selectedpoints=places if selected else None,
            unselected={"marker": {"opacity": 0.1}},
            hoverinfo="none",
        )
        seen.add(layer.name)
    drawn.update_layout(
        height=600,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="lasso",
        clickmode="event",
        hovermode="closest",
        modebar={"orientation": "v"},
        legend={
            "orientation": "h",
            "y": 1.0,
            "yanchor": "bottom",
            "x": 0,
            "itemsizing": "constant",
        },
        coloraxis=_scale(layers, ends) if ends else None,
    )
    drawn.update_xaxes(visible=False)
    drawn.update_yaxes(visible=False, scaleanchor="x")
    return drawn


def show(drawn: go.Figure, layers: Sequence[Layer]) -> None:
    """Draw the figure and keep what a lasso or box holds."""
    result = st.plotly_chart(
        drawn,
        key=KEY,
        config=CONFIG,
        selection_mode=("lasso", "box"),
        on_select=_touched,
        alt="Map of the collection: one point an item",
    )
    if state.kept("map_touched", False):
        points = [(p["curve_number"], p["point_index"]) for p in result.selection.points]
        state.keep("map_selected", tuple(views.held(state.space(), layers, points)))
        state.keep("map_touched", False)


def selected() -> tuple[str, ...]:
    """Ids that were selected last and are still there."""
    rows = state.space().row
    return tuple(id_ for id_ in state.kept("map_selected", ()) if id_ in rows)


def lit(drawing: str) -> tuple[str, ...]:
    """What a drawing lights from its start: the selection that was there when it was first drawn.

    The figure must not change with each selection, because Plotly then forgets the selection.
    """
    first, ids = state.kept("map_lit", ("", ()))
    if first != drawing:
        ids = selected()
        state.keep("map_lit", (drawing, ids))
    return tuple(ids)


def drawing(layout: Layout, layers: Sequence[Layer]) -> str:
    """Names what is drawn; changes with anything that changes the figure."""
    looks = repr([(x.name, x.kind, x.hue, len(x.rows), x.values is None) for x in layers])
    return digest(
        layout.space.key, layout.xy.tobytes(), looks, repr(views.ends(layers)),
        str(state.kept("map_cleared", 0)),
    )[:12]  # fmt: skip


def clear() -> None:
    """Select nothing; a callback."""
    state.keep("map_selected", ())
    state.keep("map_cleared", state.kept("map_cleared", 0) + 1)


def _touched() -> None:
    state.keep("map_touched", True)


def _scale(layers: Sequence[Layer], ends: tuple[float, float]) -> dict[str, Any]:
    title = next(layer.unit for layer in layers if layer.values is not None)
    bar = {
        "title": {"text": title, "side": "right"},
        "thickness": 10,
        "len": 0.7,
        "outlinewidth": 0,
    }
    return {"colorscale": RAMP, "cmin": ends[0], "cmax": ends[1], "colorbar": bar}


def _marker(layer: Layer, size: float, opacity: float) -> dict[str, Any]:
    marker: dict[str, Any] = {
        "size": size if layer.hue >= 0 else 0.7 * size,
        "opacity": opacity if layer.hue >= 0 else 0.5 * opacity,
        "symbol": "circle" if layer.kind == "image" else "diamond",
    }
    if layer.values is not None:
        return {**marker, "color": layer.values, "coloraxis": "coloraxis"}
    return {**marker, "color": draw.PALETTE[layer.hue] if layer.hue >= 0 else draw.OTHER}
