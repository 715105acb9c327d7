"""The figures of a space, or of two on shared axes: pairs, plane, spectra, hubs, labels."""

from collections.abc import Iterator, Mapping, Sequence
from math import log10
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from core import measure
from core.measure import Figure
from core.types import SCOPE_NAMES, Curve, Finding
from pages.parts import charts, formatting

HEIGHT = 250
TITLES = {
    "pair_similarities": "Pairs against random pairs",
    "spectra": "Spectra",
    "hub_tails": "Hubs",
    "class_cosines": "Labels: images against texts",
    "plane": "Alignment and uniformity",
}
PLANE = "plane"
AIDS = {
    "pair_similarities": "The less the two humps overlap, the better search can separate them.",
    "spectra": "A line that falls early: few directions carry the variance. Gray: isotropic.",
    "hub_tails": "A line far to the right of its dashed null: hubs crowd the results.",
    "class_cosines": "Dark on the diagonal: the images of a label are close to its own texts.",
    PLANE: "Lower left is better: pairs are close (mean squared distance), items spread over the "
    "sphere. Box: usual for CLIP. Cross: shuffled pairs, uniform.",
}
TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)
DECADES = 4  # that a log axis shows, from the highest value down
LONGEST = 18  # characters of a label in the heat map


def show(sides: Sequence[Mapping[str, Figure]], findings: Sequence[Sequence[Finding]]) -> None:
    """Every figure that can be drawn; those of two spaces on shared axes."""
    shared = [name for name in TITLES if all(name in side for side in sides)]
    each = {name: [side[name] for side in sides] for name in shared}
    has_plane = all(_plane_points(found) for found in findings)
    names = list(each)
    if has_plane:
        names.insert(1, PLANE)
    with st.container(key="_figures"):
        for name in names:
            with st.container(key=f"_figure_box_{name}"):
                if name == PLANE:
                    _plane(findings)
                elif name == "class_cosines":
                    _heat(each[name])
                else:
                    _lines(name, each[name])


def _lines(name: str, each: Sequence[Figure]) -> None:
    """Curves of one space, or of two: those of the second are thinner."""
    figure, rows = go.Figure(), []
    for mark, side in zip(_marks(each), each, strict=True):
        for title, line in side.lines.items():
            label = f"{mark} {title}".strip()
            _line(figure, label, line, title, second=mark == "B")
            rows += [
                {"series": label, line.x_title: float(x), line.y_title: float(y)}
                for x, y in zip(line.x, line.y, strict=True)
            ]
    first = next(iter(each[0].lines.values()))
    figure.update_xaxes(title=first.x_title)
    figure.update_yaxes(title=first.y_title, rangemode="tozero")
    if first.log_x:
        top = log10(max(float(line.y.max()) for side in each for line in side.lines.values()))
        # Less than a decade has no tick at a power of ten: digits then.
        figure.update_xaxes(type="log", dtick=1 if len(first.x) > 10 else "D1")
        figure.update_yaxes(type="log", dtick=1, range=[top - DECADES, top + 0.15], tickformat="~%")
    if name == "hub_tails":
        figure.update_xaxes(tickvals=TIMES, ticktext=[f"{t:g}×" for t in TIMES], dtick=None)
    _chart(figure, name, rows, each)


def _line(figure: go.Figure, label: str, line: Curve, title: str, *, second: bool) -> None:
    kind = title.removeprefix(measure.RANDOM)
    null = kind != title
    figure.add_scatter(
        x=line.x, y=line.y, name=label, mode="lines", showlegend=not null,
        line={
            "color": _color(kind), "width": 1.3 if null or second else 2.4,
            "dash": "dash" if null else "dot" if second else "solid",
        },
        hovertemplate="%{x:.3g}: %{y:.3g}",
    )  # fmt: skip


def _color(title: str) -> str:
    if title.startswith(("random", "isotropic")):
        return charts.OTHER
    known = {name: charts.SCOPE_COLORS[scope] for scope, name in SCOPE_NAMES.items()}
    return known.get(title.partition(" ")[0], charts.OTHER)


def _plane_points(findings: Sequence[Finding]) -> dict[str, tuple[Finding, Finding]]:
    """Alignment with the uniformity of images and of texts."""
    known = {(f.name, f.scope): f for f in findings}
    aligned = known.get(("alignment", "pairs"))
    return {
        scope: (aligned, even)
        for scope in ("image", "text")
        if aligned and (even := known.get(("uniformity", scope)))
    }


def _plane(findings: Sequence[Sequence[Finding]]) -> None:
    """Wang and Isola's plane, with what is usual for CLIP and what random vectors have."""
    figure, rows = go.Figure(), list[dict[str, str | float]]()
    clip, spread = measure.CLIP_ALIGNMENT, measure.USUAL["uniformity"]
    corners = {"x0": clip.low, "x1": clip.high, "y0": spread.low, "y1": spread.high}
    figure.add_shape(type="rect", line={"color": charts.OTHER, "dash": "dot"}, **corners)
    figure.add_annotation(
        text="CLIP", x=clip.low, y=spread.high, xanchor="left", yanchor="top", showarrow=False
    )
    for mark, found in zip(_marks(findings), findings, strict=True):
        points = _plane_points(found)
        for aligned, even in points.values():
            name = f"{mark} {SCOPE_NAMES[even.scope]}".strip()
            figure.add_scatter(
                x=[aligned.value], y=[even.value], name=name, mode="markers",
                marker={
                    "color": charts.SCOPE_COLORS[even.scope], "size": 11,
                    "symbol": "circle-open" if mark == "B" else "circle",
                },
                error_x=_bar(aligned), error_y=_bar(even), hovertemplate="%{x:.3g}, %{y:.3g}",
            )  # fmt: skip
            rows.append({"series": name, "alignment": aligned.value, "uniformity": even.value})
        at = next(iter(points.values()))
        reference = {"x": at[0].reference.value, "y": at[1].reference.value}
        figure.add_scatter(
            x=[reference["x"]], y=[reference["y"]], name=f"{mark} random".strip(), mode="markers",
            marker={"color": charts.OTHER, "size": 11, "symbol": "x-thin-open"},
            hovertemplate="shuffled pairs %{x:.3g}, uniform %{y:.3g}",
        )  # fmt: skip
        rows.append({"series": "random", "alignment": reference["x"], "uniformity": reference["y"]})
    figure.update_xaxes(title="alignment")
    figure.update_yaxes(title="uniformity")
    _chart(figure, PLANE, rows, ())


def _bar(finding: Finding) -> dict[str, Any]:
    if not finding.has_interval:
        return {}
    above, below = finding.high - finding.value, finding.value - finding.low
    return {"array": [above], "arrayminus": [below], "thickness": 1.5, "width": 0}


def _heat(each: Sequence[Figure]) -> None:
    figure, rows = go.Figure(), list[dict[str, str | float]]()
    for n, side in enumerate(each, 1):
        names = [formatting.shorten(name, LONGEST) for name in side.names]
        axes = {"xaxis": f"x{n}", "yaxis": f"y{n}"} if n > 1 else {}
        figure.add_heatmap(
            z=side.cells, x=names, y=names, zmid=0, coloraxis="coloraxis", **axes,
            hovertemplate="images of %{y}, texts of %{x}: %{z:.2f}<extra></extra>",
        )  # fmt: skip
        rows += [
            {"images of": a, "texts of": b, "cosine": float(side.cells[i, j])}
            for i, a in enumerate(side.names)
            for j, b in enumerate(side.names)
        ]
    figure.update_layout(
        coloraxis={"colorscale": charts.DIVERGING, "cmid": 0, "colorbar": {"thickness": 10}}
    )
    figure.update_xaxes(showticklabels=False, ticks="", title="texts")
    figure.update_yaxes(autorange="reversed", title="images", dtick=1, tickfont={"size": 10})
    if len(each) > 1:
        figure.update_layout(
            xaxis={"domain": [0, 0.47]}, xaxis2={"domain": [0.53, 1], "anchor": "y2"},
            yaxis2={"anchor": "x2", "showticklabels": False, "autorange": "reversed"},
        )  # fmt: skip
    _chart(figure, "class_cosines", rows, each)


def _chart(
    figure: go.Figure,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    each: Sequence[Figure],
) -> None:
    st.markdown(f"**{TITLES[name]}**")
    about = [
        f"{mark} {side.sentence}".strip() for mark, side in zip(_marks(each), each, strict=True)
    ]
    for sentence in about:
        st.caption(formatting.plain(sentence))
    charts.chart(
        figure, key=f"_overview_{name}", aid=AIDS[name], rows=rows, height=HEIGHT,
        alt=f"{TITLES[name]}. {' '.join(about) or AIDS[name]}",
    )  # fmt: skip


def _marks(each: Sequence[Any]) -> Iterator[str]:
    return iter("AB"[: len(each)] if len(each) > 1 else [""] * len(each))
