"""The figure of a diagnostic: its curves, else its items' values, else its intervals."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from core import views
from core.registry import Plugin
from core.types import Curve, Finding, Kind, Scope, Space
from pages.parts import draw, state

HUES: dict[Scope, str] = {
    "image": draw.KIND_COLOURS["image"],
    "text": draw.KIND_COLOURS["text"],
    "joint": draw.PALETTE[2],
    "pairs": draw.PALETTE[2],
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
    hues = iter(draw.PALETTE)
    curves = [
        (_called(f), next(hues) if _named(f) else HUES[f.scope], f.curve)
        for f in findings
        if f.curve is not None
    ]
    spread = _spread(findings, of or state.space())
    if curves:
        _curves(plugin, curves, key)
    elif spread:
        lines = [(draw.KIND_NAMES[kind], HUES[kind], line) for kind, line in spread.items()]
        _curves(plugin, lines, key)
    else:
        _intervals(plugin, findings, key)


def _named(finding: Finding) -> str:
    """The change that a finding is about, where it is about one."""
    return finding.name.partition(": ")[2]


def _called(finding: Finding) -> str:
    return _named(finding) or draw.KIND_NAMES[finding.scope]


def _spread(findings: Sequence[Finding], space: Space) -> dict[Kind, Curve]:
    """Histograms of the items' values by kind, from the first finding that has them."""
    found: dict[Kind, Curve] = {}
    for finding in findings:
        if finding.per_item is not None:
            for kind, line in views.spread(space, finding).items():
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
    draw.chart(figure, key=key, aid=aid, rows=rows, alt=aid, height=HEIGHT)


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
        marker={"symbol": "line-ns-open", "size": 22, "color": draw.OTHER, "line": {"width": 2}},
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
    draw.chart(figure, key=key, aid=aid, rows=rows, alt=alt, height=height)
