"""The map's figure: the points, how they look, and which of them are selected."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import ASSETS, report
from core.report import Layer
from core.types import digest
from core.workbench import Layout
from pages.parts import charts, formatting, gallery, session, state
from pages.parts.item import open
from pages.parts.state import selected

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
    ends = report.color_range(layers)
    drawn = go.Figure()
    seen: set[str] = set()
    lit = report.map_places(layout.space, layers, selected)
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
    if session.kept("map_touched", False):
        points = [(p["curve_number"], p["point_index"]) for p in result.selection.points]
        session.keep("map_selected", tuple(report.in_lasso(state.space(), layers, points)))
        session.keep("map_touched", False)


def lit(drawing: str) -> tuple[str, ...]:
    """What a drawing lights from its start: the selection that was there when it was first drawn.

    The figure must not change with each selection, because Plotly then forgets the selection.
    """
    first, ids = session.kept("map_lit", ("", ()))
    if first != drawing:
        ids = selected()
        session.keep("map_lit", (drawing, ids))
    return tuple(ids)


def drawing(layout: Layout, layers: Sequence[Layer]) -> str:
    """Names what is drawn; changes with anything that changes the figure."""
    looks = repr([(x.name, x.kind, x.hue, len(x.rows), x.values is None) for x in layers])
    return digest(
        layout.space.key, layout.xy.tobytes(), looks, repr(report.color_range(layers)),
        str(session.kept("map_cleared", 0)),
    )[:12]  # fmt: skip


def clear() -> None:
    """Select nothing; a callback."""
    session.keep("map_selected", ())
    session.keep("map_cleared", session.kept("map_cleared", 0) + 1)


def _touched() -> None:
    session.keep("map_touched", True)


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
    return {**marker, "color": charts.PALETTE[layer.hue] if layer.hue >= 0 else charts.OTHER}


PREVIEW_KEY = "_preview"
_FILES = ASSETS / "preview"
_CARD = st.components.v2.component(
    "sextant_preview",
    css=(_FILES / "preview.css").read_text("utf-8"),
    js=(_FILES / "preview.js").read_text("utf-8"),
)


@st.fragment
def follow(plot: str, drawing: str, layers: Sequence[Layer]) -> None:
    """Watch the pointer over a plot.

    A fragment of its own: what is hovered never draws the map again.

    Args:
        plot: the key of the plot's chart.
        drawing: names what is drawn; points of another drawing are forgotten.
        layers: what the plot's traces show, in their order.
    """
    point = (session.value_of(PREVIEW_KEY) or {}).get("point") or ""
    id_ = _id(point, drawing, layers)
    result = _CARD(
        key=PREVIEW_KEY,
        data={
            "plot": plot, "drawing": drawing, "point": point,
            "about": _about(id_) if id_ else None,
        },
        on_point_change=lambda: None,
        on_open_change=lambda: None,
    )  # fmt: skip
    clicked = _id(result.open or "", drawing, layers)
    if clicked:
        open(clicked)


def _id(point: str, drawing: str, layers: Sequence[Layer]) -> str:
    """The item of "drawing|layer:place"; "" when that is not of this drawing."""
    of, _, at = point.partition("|")
    layer, _, place = at.partition(":")
    if of != drawing or not (layer.isdecimal() and place.isdecimal()):
        return ""
    if int(layer) >= len(layers) or int(place) >= len(layers[int(layer)].rows):
        return ""
    return state.space().ids[layers[int(layer)].rows[int(place)]]


def _about(id_: str) -> dict[str, str]:
    item = state.items([id_]).get(id_)
    if item is None:
        return {"name": "No longer there"}
    if item.kind == "text":
        return {"name": formatting.shorten(item.text, 240)}
    return {
        "name": formatting.shorten(item.name.rpartition("/")[2], 60),
        "caption": formatting.shorten(state.captions([id_]).get(id_, ""), 140),
        "value": " · ".join(item.labels[:3]),
        "picture": gallery.data_uri(state.thumbnails([id_]).get(id_, b"")),
    }
