"""The geometry report: every diagnostic by family, with its figure, its reading and its items."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from core import catalog, documents
from core.diagnostics import DIAGNOSTICS
from core.errors import TooFew
from core.registry import Plugin
from core.types import Finding
from core.verdicts import THRESHOLDS
from pages.parts import behind, controls, figures, signs, state, words

OVERVIEW = "Overview"


@dataclass(frozen=True)
class Measured:
    """A diagnostic with what it found, or the sentence that says what it lacks."""

    plugin: Plugin
    findings: tuple[Finding, ...]
    lacks: str = ""


def family() -> str:
    """Which part of the report is open; part of the link."""
    families = [OVERVIEW, *_families()]
    return state.linked(
        "family",
        OVERVIEW,
        st.segmented_control,
        "Part of the report",
        families,
        among=families,
        required=True,
        label_visibility="collapsed",
    )


def head() -> None:
    """What is measured here."""
    space = state.space()
    kinds = [(space.n_images, "picture"), (space.n - space.n_images, "text")]
    things = " and ".join(words.count(n, one) for n, one in [*kinds] if n)
    pairs = f" in {words.count(len(space.pairs), 'pair')}" if len(space.pairs) else ""
    st.markdown("### Geometry", anchors=False)
    st.caption(
        f"{things.capitalize()}{pairs}, {space.d} dimensions, encoded with "
        f"{words.plain(space.encoder)}. Each number stands next to what it is compared with."
    )


def measure(family: str) -> list[Measured]:
    """The diagnostics of a family, or all of them; says which one it is at."""
    plugins = [p for p in _plugins() if family in (OVERVIEW, p.family)]
    bar, found = st.empty(), []
    for i, plugin in enumerate(plugins):
        label = f"Measuring {plugin.title.lower()} ({i + 1} of {len(plugins)})…"
        bar.progress(i / len(plugins), label)
        try:
            found.append(Measured(plugin, state.findings(plugin.name)))
        except TooFew as lack:
            found.append(Measured(plugin, (), str(lack)))
    bar.empty()
    return found


def downloads(measured: Sequence[Measured]) -> None:
    """All numbers on screen as JSON (the command line's form) and CSV."""
    findings = [f for m in measured for f in m.findings]
    space = state.space()
    st.download_button(
        "JSON",
        json.dumps(documents.diagnosis(space.encoder, space.n, findings), indent=2),
        "geometry.json",
        "application/json",
        key="_save_geometry_json",
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
        help="As `sextant diagnose --json` prints it",
    )
    controls.download(signs.rows(findings), "geometry")


def overview(measured: Sequence[Measured]) -> None:
    """Every finding in two lines, by family."""
    for name in _families():
        here = [m for m in measured if m.plugin.family == name]
        st.markdown(f"##### {name}", anchors=False)
        findings = [f for m in here for f in m.findings]
        if findings:
            signs.show(findings, key=f"_overview_{name}", wide=True)
        _lacks(here)
        st.space("small")


def full(measured: Sequence[Measured]) -> None:
    """Each diagnostic in full."""
    for one in measured:
        with st.container(border=True, key=f"_part_{one.plugin.name}"):
            _part(one)


def _part(one: Measured) -> None:
    plugin = one.plugin
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plugin.title}", anchors=False, width="stretch")
        with st.popover("How to read this", type="tertiary", icon=":material/menu_book:"):
            _reading(plugin)
    st.caption(words.plain(plugin.summary))
    if not one.findings:
        _lacks([one])
        return
    left, right = st.columns([1.7, 1], gap="large")
    with left:
        figures.show(plugin, one.findings)
    with right:
        signs.show(one.findings, key=f"_signs_{plugin.name}")
    behind.items(plugin, one.findings)


def _reading(plugin: Plugin) -> None:
    """What the number says, where its verdict comes from, and whose idea it is."""
    st.markdown(catalog.reading(plugin.about) or words.plain(plugin.summary))
    rule = THRESHOLDS.get(plugin.name)
    if rule:
        st.markdown(f"**Verdict.** {words.plain(rule.words)} :gray[({words.plain(rule.source)})]")
    st.caption(f"Source: {words.plain(plugin.source)}")


def _lacks(measured: Sequence[Measured]) -> None:
    for one in measured:
        if one.lacks:
            st.caption(f":material/info: {words.plain(one.lacks)}")


def _plugins() -> list[Plugin]:
    return sorted(
        DIAGNOSTICS.all().values(), key=lambda p: (catalog.family_rank(p.family), p.title)
    )


def _families() -> Iterator[str]:
    return iter(dict.fromkeys(p.family for p in _plugins()))
