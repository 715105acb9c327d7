"""What is on screen as a download: one HTML file, JSON as the command line prints it, CSV."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import report
from core.measure import DIAGNOSTICS, FIGURES, PROBES, by_size, compare
from core.types import Finding
from core.workbench import EncodedCollection, StoredFindings, Workbench, documents
from pages.parts import controls, state, vital_signs
from pages.parts.geometry.subset import Side

Found = Sequence[tuple[Finding, ...]]


def downloads(each: Sequence[StoredFindings], sides: Sequence[Side], place: DeltaGenerator) -> None:
    """All findings on screen, of both sides where two are compared; not while some are missing."""
    if any(found.missing for found in each):
        return
    findings = [found.all for found in each]
    lacks = {  # of measures: a report has no figures
        name: why for found in each for name, why in found.lacks.items() if name not in FIGURES
    }
    bench, opened = state.workbench(), state.opened()  # a download is built outside the page
    probes = [name for name in PROBES.all() if any(name in found.findings for found in each)]
    line = command(opened.name, sides, state.recipe(), probes)
    whole = [state.opened(side.space.encoder) if side.whole else None for side in sides]
    with place:
        _button(
            "Report", "html", "text/html",
            lambda: page(bench, opened, sides, with_items(bench, whole, each), lacks, line),
            "One HTML file with figures and example items",
        )  # fmt: skip
        _button(
            "JSON", "json", "application/json",
            lambda: document(opened.name, sides, findings, line),
            "As `sextant diagnose --json` prints it",
        )  # fmt: skip
        controls.download(_rows(sides, findings, line), "geometry")


def _button(label: str, ending: str, mime: str, make: Callable[[], str], help_: str) -> None:
    """A download whose file is built when it is clicked."""
    st.download_button(
        label, make, f"geometry.{ending}", mime, key=f"_save_geometry_{ending}", type="tertiary",
        icon=":material/download:", on_click="ignore", help=help_,
    )  # fmt: skip


def with_items(
    bench: Workbench,
    whole: Sequence[EncodedCollection | None],
    each: Sequence[StoredFindings],
) -> list[tuple[Finding, ...]]:
    """The findings with their values for single items, where these are stored."""
    return [
        tuple(
            finding
            for name in sorted(found.findings)
            for finding in (
                bench.findings(opened, name)[0]
                if opened and name in DIAGNOSTICS.all()
                else found.findings[name]
            )
        )
        for opened, found in zip(whole, each, strict=True)
    ]


def page(
    workbench: Workbench,
    opened: EncodedCollection,
    sides: Sequence[Side],
    findings: Found,
    lacks: dict[str, str],
    line: str,
) -> str:
    """The HTML report of one or two sides."""
    each = [report.Side(s.name, s.space, f) for s, f in zip(sides, findings, strict=True)]
    shown = workbench.evidence(opened, [(side.space, side.findings) for side in each])
    return report.html_page(opened.name, each, lacks, shown, line)


def document(name: str, sides: Sequence[Side], findings: Found, line: str) -> str:
    """One diagnosis as JSON, or two and their comparison, with the command if there is one."""
    each = [
        {"part": s.name, **documents.diagnosis(s.space.encoder, s.space.n, f)}
        for s, f in zip(sides, findings, strict=True)
    ]
    one = each[0] if len(each) == 1 else documents.comparison(*each, by_size(compare(*findings)))
    if line:
        one = documents.with_command({"collection": name, **one}, line)
    return json.dumps(one, indent=2, ensure_ascii=False)


def command(name: str, sides: Sequence[Side], recipe: str = "", probes: Sequence[str] = ()) -> str:
    """The command line that gives the same findings, "" where there is none.

    Probes run only when named, and on whole collections.
    """
    a, *others = sides
    words = ["diagnose", name, "--encoder", a.space.encoder]
    words += ["--recipe", recipe] if recipe else []
    words += ["--subset", a.subset] if a.subset else []
    for b in others:
        if b.space.encoder != a.space.encoder:
            words += ["--versus-encoder", b.space.encoder]
        else:
            words += ["--versus-subset", b.subset or ""]
    words += ["--only", ",".join(probes)] if probes else []
    known = "" not in words and all(
        s.subset == "" if probes else s.subset is not None for s in sides
    )
    return documents.command(*words, "--json") if known else ""


def _rows(sides: Sequence[Side], findings: Found, line: str) -> list[dict[str, Any]]:
    return [
        {"part": side.name, "encoder": side.space.encoder, **row, "command": line}
        for side, each in zip(sides, findings, strict=True)
        for row in vital_signs.rows(each)
    ]
