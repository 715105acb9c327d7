"""The report as a download: one HTML file, JSON as the command line prints it, CSV."""

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import report
from core.measure import compare
from core.types import Finding
from core.workbench import EncodedCollection, Workbench, documents
from pages.parts import controls, state, vital_signs
from pages.parts.geometry.report import Measured
from pages.parts.geometry.subset import Side


def downloads(measured: Sequence[Measured], sides: Sequence[Side]) -> None:
    """All findings on screen, of both sides where two are compared."""
    findings = [tuple(f for m in measured for f in m.found[i]) for i in range(len(sides))]
    lacks = {m.plugin.name: " ".join(m.lacks) for m in measured if m.lacks}
    here = state.workbench(), state.opened()  # a download is built outside the page
    _button("Report", "html", "text/html", lambda: page(*here, sides, findings, lacks),
            "One HTML file with figures and example items")  # fmt: skip
    _button("JSON", "json", "application/json", lambda: document(sides, findings),
            "As `sextant diagnose --json` prints it")  # fmt: skip
    controls.download(_rows(sides, findings), "geometry")


def _button(label: str, ending: str, mime: str, make: Any, help_: str) -> None:
    """A download whose file is built when it is clicked."""
    st.download_button(
        label, make, f"geometry.{ending}", mime, key=f"_save_geometry_{ending}", type="tertiary",
        icon=":material/download:", on_click="ignore", help=help_,
    )  # fmt: skip


def page(
    workbench: Workbench,
    opened: EncodedCollection,
    sides: Sequence[Side],
    findings: Sequence[tuple[Finding, ...]],
    lacks: dict[str, str],
) -> str:
    """The HTML report of one or two sides."""
    each = [report.Side(s.name, s.space, f) for s, f in zip(sides, findings, strict=True)]
    shown = workbench.evidence(opened, [(side.space, side.findings) for side in each])
    return report.html_page(opened.name, each, lacks, shown)


def document(sides: Sequence[Side], findings: Sequence[tuple[Finding, ...]]) -> str:
    """One diagnosis as JSON, or two and their comparison."""
    each = [
        {"part": s.name, **documents.diagnosis(s.space.encoder, s.space.n, f)}
        for s, f in zip(sides, findings, strict=True)
    ]
    one = each[0] if len(each) == 1 else documents.comparison(*each, compare(*findings))
    return json.dumps(one, indent=2, ensure_ascii=False)


def _rows(
    sides: Sequence[Side], findings: Sequence[tuple[Finding, ...]]
) -> list[dict[str, str | float]]:
    return [
        {"part": side.name, "encoder": side.space.encoder, **row}
        for side, each in zip(sides, findings, strict=True)
        for row in vital_signs.rows(each)
    ]
