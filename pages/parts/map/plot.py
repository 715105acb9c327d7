"""The map's figure, the selection in it, and a preview of the item under the pointer."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import ASSETS, report
from core.report import Layer
from core.types import digest
from core.workbench import Layout
from pages.parts import charts, formatting, gallery, item, session, state
from pages.parts.map.layout import KEY

# Visible in the light and the dark theme.
COLOR_SCALE = ("#3d9db4", "#7faf95", "#cda545", "#d8713c", "#c2304f")
PREVIEW_KEY = "_preview"
_FILES = ASSETS / "preview"
_CARD = st.components.v2.component(
    "sextant_preview",
    css=(_FILES / "preview.css").read_text("utf-8"),
    js=(_FILES / "preview.js").read_text("utf-8"),
)
CONFIG = {
    "displayModeBar": True,
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtonsToRemove": ["autoScale2d", "hoverClosestCartesian"],
    **charts.image(KEY),
}
LINK = "selected"  # the selection in the link, packed


def figure(layout: Layout, layers: Sequence[Layer], selected: Sequence[str]) -> go.Figure:
    """Points by layer; `selected` ids are highlighted."""
    n = sum(len(layer.rows) for layer in layers)
    size, opacity = (7, 0.9) if n < 3_000 else (4.5, 0.8) if n < 30_000 else (3, 0.6)
    limits = report.color_range(layers)
    figure = go.Figure()
    images = {layer.name for layer in layers if layer.kind == "image"}
    positions = report.map_places(layout.space, layers, selected)
    for layer, at in zip(layers, positions, strict=True):
        figure.add_scattergl(
            x=layout.xy[layer.rows, 0],
            y=layout.xy[layer.rows, 1],
            name=layer.name,
            legendgroup=layer.name,
            legendrank=(1000 if layer.hue >= 0 else 2000) + (layer.kind == "text"),
            showlegend=layer.values is None and (layer.kind == "image" or layer.name not in images),
            mode="markers",
            marker=_marker(layer, size, opacity),
            selectedpoints=at if selected else None,
            unselected={"marker": {"opacity": 0.1}},
            hoverinfo="none",
        )
    figure.update_layout(
        template=charts.TEMPLATE,
        height=600,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        dragmode="lasso",
        clickmode="event",
        hovermode="closest",
        modebar={"orientation": "v"},
        coloraxis=_color_axis(layers, limits) if limits else None,
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x")
    return figure


def show(figure: go.Figure, layers: Sequence[Layer]) -> None:
    """Draw the figure and store the ids in a lasso or box."""
    result = st.plotly_chart(
        figure,
        key=KEY,
        config=CONFIG,
        selection_mode=("lasso", "box"),
        on_select=_touched,
        alt="Map of the collection, one point per item",
    )
    if session.get("map_touched", False):
        points = [(p["curve_number"], p["point_index"]) for p in result.selection.points]
        session.store(state.SELECTED, tuple(report.in_lasso(state.space(), layers, points)))
        session.store("map_touched", False)
    _to_link()


def of_link() -> None:
    """Select what the link does, where it is not the selection of this session."""
    last, text = session.get(LINK, ""), session.read(LINK, "")
    if text != last:
        session.store(state.SELECTED, (report.unpack_ids(state.space(), text) or ()))
        _redraw()


def _to_link() -> None:
    """The selection into the link; one that is too long for a link stays in the session."""
    ids = state.selected()
    session.write(LINK, report.pack_ids(state.space(), ids) if ids else "")


def highlighted(drawing: str) -> tuple[str, ...]:
    """The ids a drawing highlights: the selection at the time it was first drawn.

    The figure must not change with each selection, or Plotly drops the selection.
    """
    last, ids = session.get("map_highlighted", ("", ()))
    if last != drawing:
        ids = state.selected()
        session.store("map_highlighted", (drawing, ids))
    return tuple(ids)


def drawing(layout: Layout, layers: Sequence[Layer]) -> str:
    """A key of the drawing; changes with anything that changes the figure."""
    styles = repr([(x.name, x.kind, x.hue, len(x.rows), x.values is None) for x in layers])
    return digest(
        layout.space.key, layout.xy.tobytes(), styles, repr(report.color_range(layers)),
        str(session.get("map_redrawn", 0)),
    )[:12]  # fmt: skip


def clear() -> None:
    """Clear the selection; a callback."""
    session.store(state.SELECTED, ())
    _redraw()


def _redraw() -> None:
    """Draw the figure anew: else the browser shows the selection it had."""
    session.store("map_redrawn", session.get("map_redrawn", 0) + 1)


def _touched() -> None:
    session.store("map_touched", True)


def _color_axis(layers: Sequence[Layer], limits: tuple[float, float]) -> dict[str, Any]:
    title = next(layer.unit for layer in layers if layer.values is not None)
    bar = {
        "title": {"text": title, "side": "right"},
        "thickness": 10,
        "len": 0.7,
        "outlinewidth": 0,
    }
    return {"colorscale": COLOR_SCALE, "cmin": limits[0], "cmax": limits[1], "colorbar": bar}


def _marker(layer: Layer, size: float, opacity: float) -> dict[str, Any]:
    if layer.kind == "image":
        size *= 1.3
    else:
        opacity *= 0.5  # rings are brighter where they overlap, and must not hide the images
    marker: dict[str, Any] = {
        "size": size if layer.hue >= 0 else 0.7 * size,
        "opacity": opacity if layer.hue >= 0 else 0.5 * opacity,
        "symbol": "circle" if layer.kind == "image" else "circle-open",
    }
    if layer.values is not None:
        return {**marker, "color": layer.values, "coloraxis": "coloraxis"}
    return {**marker, "color": charts.PALETTE[layer.hue] if layer.hue >= 0 else charts.OTHER}


@st.fragment
def follow(plot: str, drawing: str, layers: Sequence[Layer]) -> None:
    """Preview the item under the pointer, and open the one that is clicked.

    A fragment: hovering does not draw the map again.

    Args:
        plot: key of the chart.
        drawing: key of the drawing; points of another drawing are ignored.
        layers: of the chart's traces, in their order.
    """
    point = (session.value_of(PREVIEW_KEY) or {}).get("point") or ""
    id_ = _id(point, drawing, layers)
    result = _CARD(
        key=PREVIEW_KEY,
        data={
            "plot": plot, "drawing": drawing, "point": point,
            "about": _preview(id_) if id_ else None,
        },
        on_point_change=lambda: None,
        on_open_change=lambda: None,
    )  # fmt: skip
    clicked = _id(result.open or "", drawing, layers)
    if clicked:
        item.open(clicked)


def _id(point: str, drawing: str, layers: Sequence[Layer]) -> str:
    """The item of "drawing|layer:index"; "" for a point of another drawing."""
    of, _, at = point.partition("|")
    layer, _, index = at.partition(":")
    if of != drawing or not (layer.isdecimal() and index.isdecimal()):
        return ""
    if int(layer) >= len(layers) or int(index) >= len(layers[int(layer)].rows):
        return ""
    return state.space().ids[layers[int(layer)].rows[int(index)]]


def _preview(id_: str) -> dict[str, str]:
    shown = state.items([id_]).get(id_)
    if shown is None:
        return {"name": "No longer in the collection"}
    if shown.kind == "text":
        return {"name": formatting.shorten(shown.text, 240)}
    return {
        "name": formatting.shorten(shown.name.rpartition("/")[2], 60),
        "caption": formatting.shorten(state.captions([id_]).get(id_, ""), 140),
        "value": " · ".join(shown.labels[:3]),
        "image": gallery.data_uri(state.thumbnails([id_]).get(id_, b"")),
    }
