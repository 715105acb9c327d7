"""Small figures as inline SVG: intervals and curves; every text is escaped.

Colors are classes, defined by the page's style for light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite, log10

import numpy as np

from core.types import Curve, Doubles, Finding

WIDTH, HEIGHT = 560, 190
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 10, 40
HUES = 6
MOST = 300  # points of one line: more are not visible


def intervals(findings: Sequence[Finding], names: Sequence[str]) -> str:
    """Value, interval and reference of each finding on one scale, a row each."""
    ends = [v for f in findings for v in (f.value, f.low, f.high, f.reference.value) if isfinite(v)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    pad = 0.08 * ((high - low) or abs(high) or 1.0)
    scale = _Scale(low - pad, high + pad, 110, WIDTH - RIGHT)
    rows, height = [], 26 * len(findings) + 24
    for i, (finding, name) in enumerate(zip(findings, names, strict=True)):
        y = 16 + 26 * i
        rows.append(f'<text x="0" y="{y + 4}">{escape(name)}</text>')
        rows.append(f'<line class="rule" x1="110" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        if isfinite(finding.reference.value):
            x = scale(finding.reference.value)
            rows.append(f'<line class="reference" x1="{x}" x2="{x}" y1="{y - 8}" y2="{y + 8}"/>')
        if isfinite(finding.low) and isfinite(finding.high):
            x1, x2 = scale(finding.low), scale(finding.high)
            rows.append(
                f'<line class="band {finding.verdict}" x1="{x1}" x2="{x2}" y1="{y}" y2="{y}"/>'
            )
        if isfinite(finding.value):
            x = scale(finding.value)
            rows.append(f'<circle class="dot {finding.verdict}" cx="{x}" cy="{y}" r="5"/>')
    rows += [
        f'<text class="tick" x="{scale(v)}" y="{height - 4}">{v:g}</text>' for v in scale.ticks()
    ]
    return _svg(
        rows, height, ", ".join(f"{n} {f.value:.4g}" for n, f in zip(names, findings, strict=True))
    )


def curves(lines: Sequence[tuple[str, Curve]]) -> str:
    """Lines over one pair of axes, with their names; `Curve.mark` is a dotted line."""
    first = lines[0][1]
    drawn = [(name, line, *_visible(line, first)) for name, line in lines]
    xs, ys = np.concatenate([d[2] for d in drawn]), np.concatenate([d[3] for d in drawn])
    if not len(xs):
        return ""
    across = _Scale(float(xs.min()), float(xs.max()), LEFT, WIDTH - RIGHT, log=first.log_x)
    top = TOP if len(lines) < 2 else TOP + 18 * -(-len(lines) // HUES)  # room for the names
    up = _Scale(float(ys.min()), float(ys.max()), HEIGHT - BOTTOM, top, log=first.log_y)
    parts = _axes(across, up, first)
    for i, (name, line, x, y) in enumerate(drawn):
        points = " ".join(
            f"{across(a)},{up(b)}" for a, b in zip(x.tolist(), y.tolist(), strict=True)
        )
        parts.append(f'<polyline class="line hue{i % HUES}" points="{points}"/>')
        if len(lines) > 1:
            parts.append(
                f'<text class="name hue{i % HUES}" x="{LEFT + 84 * (i % HUES)}" '
                f'y="{TOP + 4 + 18 * (i // HUES)}">'
                f"{escape(name)}</text>"
            )
        if line.mark is not None and isfinite(line.mark):
            at = across(line.mark)
            parts.append(
                f'<line class="mark" x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
            )
    return _svg(parts, HEIGHT, f"{first.y_title} against {first.x_title}")


def sparkline(line: Curve, color: str) -> str:
    """Counts as small bars, without axes: a long tail is seen, not read. The last is marked."""
    x, y = _visible(line, line)
    if not len(x):
        return ""
    across = _Scale(float(x.min()), float(x.max()), 3, 177)
    up = _Scale(0.6, float(y.max()), 34, 4, log=True)
    bars = [
        f'<line x1="{across(a)}" x2="{across(a)}" y1="34" y2="{up(b)}"/>'
        for a, b in zip(x.tolist(), y.tolist(), strict=True)
    ]
    tip = f'<circle cx="{across(float(x[-1]))}" cy="{up(float(y[-1]))}" r="2.5"/>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 180 36" width="180" height="36" '
        f'fill="{escape(color)}" stroke="{escape(color)}" stroke-width="1.6">'
        f"{''.join(bars)}{tip}</svg>"
    )


class _Scale:
    """Numbers to coordinates, linear or logarithmic."""

    def __init__(
        self, low: float, high: float, start: float, end: float, *, log: bool = False
    ) -> None:
        self._log, self._start = log, start
        self._low, self._high = (log10(low), log10(high)) if log else (low, high)
        if self._high <= self._low:
            self._low, self._high = self._low - 0.5, self._high + 0.5
        self._step = (end - start) / (self._high - self._low)

    def __call__(self, value: float) -> float:
        place = log10(value) if self._log and value > 0 else value
        place = min(max(place, self._low), self._high)
        return round(self._start + (place - self._low) * self._step, 1)

    def ticks(self) -> list[float]:
        """Three to six round numbers."""
        if self._log and self._high - self._low >= 2:
            every = -(-int(self._high - self._low + 1) // 6)
            first, last = int(np.ceil(self._low)), int(np.floor(self._high))
            return [10.0**e for e in range(first, last + 1, every)]
        low, high = (10**self._low, 10**self._high) if self._log else (self._low, self._high)
        size = 10 ** np.floor(log10((high - low) / 3))
        step = size * max(s for s in (1, 2, 5) if s * size <= (high - low) / 3 * 1.001)
        first, last = int(np.ceil(low / step)), int(np.floor(high / step))
        return [float(f"{i * step:.6g}") for i in range(first, last + 1)]


def _visible(line: Curve, axes: Curve) -> tuple[Doubles, Doubles]:
    """The finite points, thinned to at most `MOST`."""
    fine = np.isfinite(line.x) & np.isfinite(line.y)
    fine &= ((line.x > 0) | (not axes.log_x)) & ((line.y > 0) | (not axes.log_y))
    rows = np.flatnonzero(fine)
    if len(rows) > MOST:
        rows = rows[np.linspace(0, len(rows) - 1, MOST).astype(np.int64)]
    return line.x[rows], line.y[rows]


def _axes(across: _Scale, up: _Scale, line: Curve) -> list[str]:
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<line class="rule" x1="{LEFT}" x2="{right}" y1="{base}" y2="{base}"/>']
    parts += [
        f'<text class="tick" x="{across(v)}" y="{base + 15}">{v:g}</text>' for v in across.ticks()
    ]
    for value in up.ticks():
        y = up(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="side" x="{LEFT - 6}" y="{y + 4}">{value:g}</text>')
    middle = (LEFT + right) / 2
    parts.append(f'<text class="tick" x="{middle}" y="{HEIGHT - 6}">{escape(line.x_title)}</text>')
    parts.append(
        f'<text class="tick" transform="translate(11 {(TOP + base) / 2}) rotate(-90)">'
        f"{escape(line.y_title)}</text>"
    )
    return parts


def _svg(parts: Sequence[str], height: float, description: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(description)}">'
        + "".join(parts)
        + "</svg>"
    )
