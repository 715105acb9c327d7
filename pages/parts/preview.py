"""The item under the pointer on the map, as a small card; a click opens it."""

from collections.abc import Sequence

import streamlit as st

from core import ASSETS
from core.views import Layer
from pages.parts import gallery, state, viewer, words

KEY = "_preview"
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
    point = (state.value_of(KEY) or {}).get("point") or ""
    id_ = _id(point, drawing, layers)
    result = _CARD(
        key=KEY,
        data={
            "plot": plot, "drawing": drawing, "point": point,
            "about": _about(id_) if id_ else None,
        },
        on_point_change=lambda: None,
        on_open_change=lambda: None,
    )  # fmt: skip
    clicked = _id(result.open or "", drawing, layers)
    if clicked:
        viewer.open(clicked)


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
        return {"name": words.shorten(item.text, 240)}
    return {
        "name": words.shorten(item.name.rpartition("/")[2], 60),
        "caption": words.shorten(state.captions([id_]).get(id_, ""), 140),
        "value": " · ".join(item.labels[:3]),
        "picture": gallery.data_uri(state.thumbnails([id_]).get(id_, b"")),
    }
