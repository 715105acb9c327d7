"""Findings, scores and curves as figures. Each has a reading aid and its numbers to download."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core.registry import Plugin
from core.types import Curve, Finding, Kind
from pages.parts import controls, signs

# The same twelve hues as assets/theme.toml, then "other"; a test holds them together.
PALETTE = (
    "#0188a3", "#d37b0d", "#8258c9", "#3da454", "#d93f61", "#2f67d5",
    "#87852b", "#c752ab", "#b04c26", "#16a396", "#8a86d1", "#627482",
)  # fmt: skip
OTHER = "#9aa7b0"
SEQUENTIAL = (
    "#e9f7f7", "#c1e2e6", "#95cfd7", "#6bbac8", "#42a4b9",
    "#0b8da8", "#047590", "#065e77", "#03485f", "#023347",
)  # fmt: skip
DIVERGING = (
    "#7d3317", "#aa5224", "#d07940", "#e6a973", "#f0dabe",
    "#cce7ec", "#84c7d5", "#38a1b9", "#007894", "#024f6a",
)  # fmt: skip
KIND_COLOURS: Mapping[Kind, str] = {"image": PALETTE[0], "text": PALETTE[1]}
KIND_NAMES: Mapping[str, str] = {
    "image": "pictures", "text": "texts", "joint": "both", "pairs": "pairs"
}  # fmt: skip
CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}


def chart(
    figure: go.Figure,
    *,
    key: str,
    aid: str,
    rows: Sequence[Mapping[str, Any]],
    alt: str,
    height: int = 280,
    **settings: Any,
) -> Any:
    """Any Plotly figure in the house style: figure, reading aid, its numbers as CSV.

    Args:
        figure: what to draw; colours from `PALETTE`, backgrounds are left to the theme.
        key: unique on the page, starts with `_`; also names the CSV.
        aid: one line that says how to read it.
        rows: its numbers.
        alt: what it shows, for who cannot see it.
        height: pixels.
        settings: passed to `st.plotly_chart` (such as `on_select`); its result is returned.
    """
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "title": None},
        hoverlabel={"align": "left"},
    )
    figure.update_xaxes(automargin=True, title_standoff=8)
    figure.update_yaxes(automargin=True, title_standoff=8)
    result = st.plotly_chart(figure, key=key, config=CONFIG, alt=alt, **settings)
    with st.container(horizontal=True, wrap=False, key=f"_aid{key}"):
        st.caption(aid, width="stretch")
        controls.download(rows, key.strip("_"), key=f"_save{key}")
    return result


def vital(plugin: Plugin[Any], finding: Finding) -> None:
    """A finding at a glance: verdict, value, interval and reference on a line, one sentence."""
    signs.show([finding], key=f"_sign_{plugin.name}_{finding.scope}")


def finding(plugin: Plugin[Any], finding: Finding, *, key: str = "") -> None:
    """A finding in full: value, interval and reference on one scale, sentence, curve, numbers."""
    vital(plugin, finding)
    name = key or f"_{finding.name}_{finding.scope}"
    if finding.curve is not None:
        curve(finding.curve, key=f"{name}_curve", aid=plugin.summary)


def curve(line: Curve, *, key: str, aid: str, colour: str = PALETTE[0]) -> None:
    """The line that belongs to a finding."""
    figure = go.Figure(go.Scatter(x=line.x, y=line.y, mode="lines", line={"color": colour}))
    figure.update_xaxes(title=line.x_title, type="log" if line.log_x else "linear")
    figure.update_yaxes(title=line.y_title, type="log" if line.log_y else "linear")
    rows = [
        {line.x_title: float(x), line.y_title: float(y)}
        for x, y in zip(line.x, line.y, strict=True)
    ]
    chart(figure, key=key, aid=aid, rows=rows, alt=f"{line.y_title} against {line.x_title}")
