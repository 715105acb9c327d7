"""A page with one map of random points: `?with=ours|plotly|pydeck|regl&n=1000000`."""

import os
from base64 import b64encode
from pathlib import Path

import numpy as np
import streamlit as st

from core.report import Coloring, Group, inside
from core.types import Space
from core.workbench import Layout
from pages.parts.map import plot

HUES = ("#0188a3", "#d37b0d")
kind, n = st.query_params["with"], int(st.query_params["n"])


@st.cache_resource
def positions(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(30, 2)) * 3
    return (centers[rng.integers(30, size=n)] + rng.normal(size=(n, 2))).astype(np.float32)


@st.cache_resource
def space(n: int) -> Space:
    return Space(np.ones((n, 1), np.float32), tuple(map(str, range(n))), n)


def count(selected: int) -> None:
    st.session_state["count"] = selected


xy = positions(n)
turn = st.session_state.get("turn", 0)
if st.button("Recolor"):
    turn = st.session_state["turn"] = 1 - turn
hue = HUES[turn]
chart = st.container(key="_chart")
mask = None

if kind == "ours":
    codes = np.full(n, turn, np.uint8)

    def select(layout: Layout, outline: list[list[float]], shown: object) -> None:
        st.session_state["mask"] = inside(layout.xy, outline)
        count(int(st.session_state["mask"].sum()))

    drawing = plot.Drawing(
        Layout("pca", xy, space(n)), np.arange(n), select=select, clear=lambda: None
    )
    with chart:
        plot.points(
            drawing, Coloring(codes, (Group("all", turn, n),)), st.session_state.get("mask")
        )
elif kind == "plotly":
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scattergl(x=xy[:, 0], y=xy[:, 1], mode="markers", marker={"size": 3, "color": hue})
    )
    figure.update_layout(height=600, dragmode="lasso", margin={"l": 0, "r": 0, "t": 0, "b": 0})
    with chart:
        found = st.plotly_chart(figure, key="p", on_select="rerun", selection_mode="lasso")
    count(len(found.selection.point_indices))
elif kind == "pydeck":
    import pandas as pd
    import pydeck

    red, green, blue = (int(hue[k : k + 2], 16) for k in (1, 3, 5))
    frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1]})
    layer = pydeck.Layer(
        "ScatterplotLayer", frame, get_position=["x", "y"], get_fill_color=[red, green, blue],
        get_radius=1, radius_min_pixels=1.5, radius_max_pixels=3,
    )  # fmt: skip
    view = pydeck.ViewState(longitude=0, latitude=0, zoom=5)
    with chart:
        st.pydeck_chart(
            pydeck.Deck([layer], initial_view_state=view, map_provider=None), height=600
        )
else:
    folder = Path(os.environ["SEXTANT_BENCH_REGL"])
    regl = (folder / "regl/dist/regl.min.js").read_text("utf-8")
    events = (folder / "pub-sub-es/dist/index.js").read_text("utf-8")
    scatter = (folder / "regl-scatterplot/dist/regl-scatterplot.min.js").read_text("utf-8")
    script = f"""
const under = (text) => {{
  const module = {{ exports: {{}} }};
  new Function("module", "exports", "define", text)(module, module.exports, undefined);
  return module.exports;
}};
const loaded = (async () => {{
  const events = await import("data:text/javascript;base64,{b64encode(events.encode()).decode()}");
  const regl = under(atob("{b64encode(regl.encode("ascii", "ignore")).decode()}"));
  const module = {{ exports: {{}} }};
  const need = (name) => (name === "regl" ? regl : events.default ?? events.createPubSub);
  const text = atob("{b64encode(scatter.encode("ascii", "ignore")).decode()}");
  new Function("module", "exports", "require", "define", text)(module, module.exports, need);
  return module.exports.default ?? module.exports.createScatterplot ?? module.exports;
}})();
export default async function ({{ data, parentElement, setTriggerValue }}) {{
  const create = await loaded;
  let canvas = parentElement.querySelector("canvas");
  if (!canvas) {{
    canvas = document.createElement("canvas");
    canvas.style = "width: 1100px; height: 600px";
    parentElement.append(canvas);
    canvas.plot = create({{ canvas, width: 1100, height: 600, pointSize: 2, opacity: 0.5 }});
    canvas.plot.subscribe("select", ({{ points }}) => setTriggerValue("chosen", points.length));
  }}
  if (!canvas.xy) {{
    const bytes = await (await fetch(data.places)).arrayBuffer(), xy = new Float32Array(bytes);
    const most = xy.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const at = (i) => [xy[2 * i] / most, xy[2 * i + 1] / most];
    canvas.xy = Array.from({{ length: xy.length / 2 }}, (_, i) => at(i));
  }}
  canvas.plot.set({{ pointColor: data.hue }});
  await canvas.plot.draw(canvas.xy);
}}"""
    component = st.components.v2.component("regl", js=script)
    from streamlit import runtime

    files = runtime.get_instance().media_file_mgr
    places = files.add(xy.tobytes(), "application/octet-stream", "places")
    with chart:
        result = component(
            key="r", data={"places": places, "hue": hue}, on_chosen_change=lambda: None
        )
    if result.chosen:
        count(result.chosen)
with st.container(key="_count"):
    st.text(f"{st.session_state.get('count', 0):,} selected")
