"""Charts in one style: curves, histograms and intervals with a reading aid and their numbers."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import ASSETS, measure
from core.registry import Plugin
from core.types import SCOPE_NAMES, Curve, Finding, Kind, Scope, Space
from pages.parts import controls, state

# The same twelve hues as assets/theme.toml, then "other"; a test compares them.
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
SCOPE_COLORS: Mapping[Scope, str] = {
    "image": PALETTE[0], "text": PALETTE[1], "joint": PALETTE[2], "pairs": PALETTE[2]
}  # fmt: skip
# Fonts, axes, legend and colors of every figure; text and background follow the theme.
TEMPLATE = go.layout.Template(json.loads((ASSETS / "plotly.json").read_text("utf-8")))
CONFIG = {
    "displayModeBar": True,  # not shown (frame.css); its button saves the image
    "modeBarButtons": [["toImage"]],
    "displaylogo": False,
    "scrollZoom": False,
    "doubleClick": "reset",
}
FINDING_HEIGHT = 260
MIN_HISTOGRAM = 12  # a curve of fewer points is drawn as a line, not as a histogram


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
    """A Plotly figure in the common style, its reading aid, its numbers as CSV and its image.

    Args:
        figure: what to draw; colors from `PALETTE`, the background is the theme's.
        key: unique on the page, starts with `_`; also names the CSV.
        aid: one line on how to read it.
        rows: its numbers.
        alt: what it shows, for screen readers.
        height: pixels.
        settings: passed to `st.plotly_chart` (such as `on_select`).

    Returns:
        What `st.plotly_chart` returns.
    """
    figure.update_layout(template=TEMPLATE, height=height)
    config = {**CONFIG, **image(key)}
    result = st.plotly_chart(figure, key=key, config=config, alt=alt, **settings)
    under(key, aid, rows)
    return result


def under(key: str, aid: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Under the figure with this key: how to read it, its numbers as CSV, and its image."""
    with st.container(horizontal=True, key=f"_aid{key}"):
        st.caption(aid, width="stretch")
        controls.download(rows, key.strip("_"), key=f"_save{key}")
        save_image(key)


def image(key: str) -> dict[str, Any]:
    """The part of a figure's configuration that names its image."""
    return {"toImageButtonOptions": {"filename": key.strip("_"), "scale": 2}}


def save_image(key: str) -> None:
    """Links that save the figure with this key as PNG and SVG; assets/browser.js does it."""
    buttons = (
        f'<button type="button" data-figure="{html.escape(key)}" data-format="{kind}" '
        f'title="Save this figure as {kind.upper()}">{kind.upper()}</button>'
        for kind in ("png", "svg")
    )
    st.html("".join(buttons), width="content")


def curve(line: Curve, *, key: str, aid: str) -> None:
    """One curve."""
    figure = go.Figure(go.Scatter(x=line.x, y=line.y, mode="lines", line={"color": PALETTE[0]}))
    figure.update_xaxes(title=line.x_title, type="log" if line.log_x else "linear")
    figure.update_yaxes(title=line.y_title, type="log" if line.log_y else "linear")
    rows = [
        {line.x_title: float(x), line.y_title: float(y)}
        for x, y in zip(line.x, line.y, strict=True)
    ]
    chart(figure, key=key, aid=aid, rows=rows, alt=f"{line.y_title} against {line.x_title}")


def show(
    plugin: Plugin, findings: Sequence[Finding], *, of: Space | None = None, key: str = ""
) -> None:
    """The findings of a diagnostic: its curves, else histograms over items, else intervals.

    Args:
        plugin: the diagnostic.
        findings: what it measured.
        of: the space it measured; by default the one on screen.
        key: distinguishes figures of the same diagnostic on one page.
    """
    key = f"_figure_{plugin.name}{key}"
    hues = iter(PALETTE)
    curves = [
        (_name(f), next(hues) if _change(f) else SCOPE_COLORS[f.scope], f.curve)
        for f in findings
        if f.curve is not None
    ]
    histograms = _histograms(findings, of or state.space())
    if curves:
        _curves(plugin, curves, key)
    elif histograms:
        lines = [(SCOPE_NAMES[kind], SCOPE_COLORS[kind], line) for kind, line in histograms.items()]
        _curves(plugin, lines, key)
    else:
        _intervals(plugin, findings, key)


def _change(finding: Finding) -> str:
    """The augmentation that a finding is about, "" where it is about none."""
    return finding.name.partition(": ")[2]


def _name(finding: Finding) -> str:
    return _change(finding) or SCOPE_NAMES[finding.scope]


def _histograms(findings: Sequence[Finding], space: Space) -> dict[Kind, Curve]:
    """Histograms of the items' values by kind, from the first finding that has them."""
    histograms: dict[Kind, Curve] = {}
    for finding in findings:
        if finding.per_item is not None:
            for kind, line in measure.finding_curves(space, finding).items():
                histograms.setdefault(kind, line)
    return histograms


def _curves(plugin: Plugin, curves: Sequence[tuple[str, str, Curve]], key: str) -> None:
    """Named curves (name, color, curve) in one figure; counts are filled, as histograms."""
    first = curves[0][2]
    figure, rows = go.Figure(), []
    for name, color, line in curves:
        figure.add_scatter(
            x=line.x,
            y=line.y,
            name=name,
            **_style(line, color, fill=len(curves) == 1),
            hovertemplate="%{x:.4g}: %{y:.4g}",
        )
        if line.mark is not None:
            figure.add_vline(line.mark, line_dash="dot", annotation_text="current")
        rows += [
            {"series": name, line.x_title: float(x), line.y_title: float(y)}
            for x, y in zip(line.x, line.y, strict=True)
        ]
    figure.update_layout(showlegend=len(curves) > 1)
    figure.update_xaxes(title=first.x_title, type="log" if first.log_x else "linear")
    if len(first.x) < MIN_HISTOGRAM and not first.log_x:
        figure.update_xaxes(dtick=1)
    figure.update_yaxes(title=first.y_title, type="log" if first.log_y else "linear")
    aid = plugin.traits.get("aid") or f"{first.y_title.capitalize()} against {first.x_title}."
    chart(figure, key=key, aid=aid, rows=rows, alt=aid, height=FINDING_HEIGHT)


def _style(line: Curve, color: str, *, fill: bool) -> dict[str, Any]:
    """Spectra and marked curves are lines, counts on a log scale dots, others histograms.

    Histograms are filled where no other one could be hidden.
    """
    if line.log_x or line.mark is not None or len(line.x) < MIN_HISTOGRAM:
        mode = "lines" if len(line.x) > 24 else "lines+markers"
        return {"mode": mode, "line": {"color": color, "width": 2}}
    if line.log_y:
        return {"mode": "markers", "marker": {"color": color, "size": 6, "opacity": 0.7}}
    return {
        "mode": "lines",
        "fill": "tozeroy" if fill else None,
        "line": {"color": color, "width": 2, "shape": "hvh"},
    }


def _intervals(plugin: Plugin, findings: Sequence[Finding], key: str) -> None:
    """Value, interval and reference of each scope on one scale."""
    figure = go.Figure()
    names = [_name(f) for f in findings]
    figure.add_scatter(
        x=[f.reference.value for f in findings],
        y=names,
        mode="markers",
        name="reference",
        marker={"symbol": "line-ns-open", "size": 22, "color": OTHER, "line": {"width": 2}},
        customdata=[f.reference.name for f in findings],
        hovertemplate="%{customdata}: %{x:.4g}",
    )
    figure.add_scatter(
        x=[f.value for f in findings],
        y=names,
        mode="markers",
        name="measured",
        error_x={
            "array": [f.high - f.value if f.has_interval else 0 for f in findings],
            "arrayminus": [f.value - f.low if f.has_interval else 0 for f in findings],
            "thickness": 5,
            "width": 0,
        },
        marker={"color": [SCOPE_COLORS[f.scope] for f in findings], "size": 12},
        hovertemplate="%{x:.4g}",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(zeroline=False)
    aid = "Dot and bar: value with its 95% confidence interval. Vertical tick: reference."
    rows = [
        {"scope": f.scope, "value": f.value, "low": f.low, "high": f.high,
         "reference": f.reference.value, "reference name": f.reference.name}
        for f in findings
    ]  # fmt: skip
    height = 110 + 46 * len(findings)
    alt = f"{plugin.title} by scope with intervals and references"
    chart(figure, key=key, aid=aid, rows=rows, alt=alt, height=height)
