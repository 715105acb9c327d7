"""Findings, scores and curves as figures. Each has a reading aid and its numbers to download."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import measure
from core.registry import Plugin
from core.types import Curve, Finding, Kind, Scope, Space
from pages.parts import controls, state, vital_signs

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
    vital_signs.show([finding], key=f"_sign_{plugin.name}_{finding.scope}")


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


HUES: dict[Scope, str] = {
    "image": KIND_COLOURS["image"],
    "text": KIND_COLOURS["text"],
    "joint": PALETTE[2],
    "pairs": PALETTE[2],
}
HEIGHT = 260
FEW = 12  # points below which a curve is no histogram


def show(
    plugin: Plugin, findings: Sequence[Finding], *, of: Space | None = None, key: str = ""
) -> None:
    """Draw what says most about a diagnostic.

    Args:
        plugin: which.
        findings: what it found.
        of: the space it measured; the one on screen without.
        key: where more than one figure of it is on the page.
    """
    key = f"_figure_{plugin.name}{key}"
    hues = iter(PALETTE)
    curves = [
        (_called(f), next(hues) if _named(f) else HUES[f.scope], f.curve)
        for f in findings
        if f.curve is not None
    ]
    spread = _spread(findings, of or state.space())
    if curves:
        _curves(plugin, curves, key)
    elif spread:
        lines = [(KIND_NAMES[kind], HUES[kind], line) for kind, line in spread.items()]
        _curves(plugin, lines, key)
    else:
        _intervals(plugin, findings, key)


def _named(finding: Finding) -> str:
    """The change that a finding is about, where it is about one."""
    return finding.name.partition(": ")[2]


def _called(finding: Finding) -> str:
    return _named(finding) or KIND_NAMES[finding.scope]


def _spread(findings: Sequence[Finding], space: Space) -> dict[Kind, Curve]:
    """Histograms of the items' values by kind, from the first finding that has them."""
    found: dict[Kind, Curve] = {}
    for finding in findings:
        if finding.per_item is not None:
            for kind, line in measure.finding_curves(space, finding).items():
                found.setdefault(kind, line)
    return found


def _curves(plugin: Plugin, curves: Sequence[tuple[str, str, Curve]], key: str) -> None:
    """All named and coloured lines in one figure; counts are filled, to read as histograms."""
    first = curves[0][2]
    figure, rows = go.Figure(), []
    for name, colour, line in curves:
        figure.add_scatter(
            x=line.x,
            y=line.y,
            name=name,
            **_look(line, colour),
            hovertemplate="%{x:.4g}: %{y:.4g}",
        )
        if line.mark is not None:
            figure.add_vline(line.mark, line_dash="dot", annotation_text="today")
        rows += [
            {"of": name, line.x_title: float(x), line.y_title: float(y)}
            for x, y in zip(line.x, line.y, strict=True)
        ]
    figure.update_layout(showlegend=len(curves) > 1)
    figure.update_xaxes(title=first.x_title, type="log" if first.log_x else "linear")
    if len(first.x) < FEW and not first.log_x:
        figure.update_xaxes(dtick=1)
    figure.update_yaxes(title=first.y_title, type="log" if first.log_y else "linear")
    aid = plugin.traits.get("aid") or f"{first.y_title.capitalize()} against {first.x_title}."
    chart(figure, key=key, aid=aid, rows=rows, alt=aid, height=HEIGHT)


def _look(line: Curve, colour: str) -> dict[str, Any]:
    """Spectra and marked curves as lines, counts on a log scale as dots, others as histograms."""
    if line.log_x or line.mark is not None or len(line.x) < FEW:
        mode = "lines" if len(line.x) > 24 else "lines+markers"
        return {"mode": mode, "line": {"color": colour, "width": 2}}
    if line.log_y:
        return {"mode": "markers", "marker": {"color": colour, "size": 6, "opacity": 0.7}}
    return {
        "mode": "lines",
        "fill": "tozeroy",
        "line": {"color": colour, "width": 2, "shape": "hvh"},
    }


def _intervals(plugin: Plugin, findings: Sequence[Finding], key: str) -> None:
    """Value, interval and reference of each scope on one scale."""
    figure = go.Figure()
    names = [_called(f) for f in findings]
    figure.add_scatter(
        x=[f.reference.value for f in findings],
        y=names,
        mode="markers",
        name="compared with",
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
            "array": [f.high - f.value for f in findings],
            "arrayminus": [f.value - f.low for f in findings],
            "thickness": 5,
            "width": 0,
        },
        marker={"color": [HUES[f.scope] for f in findings], "size": 12},
        hovertemplate="%{x:.4g}",
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(zeroline=False)
    aid = "Dot and bar: value with its 95 % interval. Upright tick: what it is compared with."
    rows = [
        {"scope": f.scope, "value": f.value, "low": f.low, "high": f.high,
         "reference": f.reference.value, "reference name": f.reference.name}
        for f in findings
    ]  # fmt: skip
    height = 110 + 46 * len(findings)
    alt = f"{plugin.title} by scope with intervals and references"
    chart(figure, key=key, aid=aid, rows=rows, alt=alt, height=height)
