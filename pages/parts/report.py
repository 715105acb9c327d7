"""The geometry report: every diagnostic by family, with its figure, its reading and its items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import streamlit as st

from core import catalog
from core.advice import ADVICE, SOURCE
from core.errors import TooFew
from core.registry import Plugin
from core.types import Finding
from core.verdicts import THRESHOLDS
from pages.parts import behind, encoder, figures, signs, state, words
from pages.parts.subset import Side

OVERVIEW = "Overview"


@dataclass(frozen=True)
class Measured:
    """A diagnostic with what it found on each side, or the sentences that say what they lack."""

    plugin: Plugin
    found: tuple[tuple[Finding, ...], ...]
    lacks: tuple[str, ...] = ()


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


def measure(family: str, sides: Sequence[Side]) -> list[Measured]:
    """The diagnostics of a family, or all of them; says which one it is at."""
    plugins = [p for p in catalog.measures() if family in (OVERVIEW, p.family)]
    bar, found = st.empty(), []
    for i, plugin in enumerate(plugins):
        label = f"Measuring {plugin.title.lower()} ({i + 1} of {len(plugins)})…"
        bar.progress(i / len(plugins), label)
        each = [_measure(plugin, side) for side in sides]
        lacks = dict.fromkeys(lack for _, lack in each if lack)
        found.append(Measured(plugin, tuple(findings for findings, _ in each), tuple(lacks)))
    bar.empty()
    return found


def _measure(plugin: Plugin, side: Side) -> tuple[tuple[Finding, ...], str]:
    if plugin.family == encoder.FAMILY:
        return encoder.measure(plugin, side)
    try:
        return state.findings(plugin.name, of=side.space), ""
    except TooFew as lack:
        return (), str(lack)


def overview(measured: Sequence[Measured]) -> None:
    """Every finding in two lines, by family."""
    for name in _families():
        here = [m for m in measured if m.plugin.family == name]
        st.markdown(f"##### {name}", anchors=False)
        first, *more = zip(*(m.found for m in here), strict=True)
        other = [f for found in more[0] for f in found] if more else None
        findings = [f for found in first for f in found]
        if findings or other:
            signs.show(findings, key=f"_overview_{name}", wide=True, other=other)
        _lacks(here)
        if name == encoder.FAMILY:
            encoder.overview(bool(findings or other or any(m.lacks for m in here)))
        st.space("small")


def full(measured: Sequence[Measured], sides: Sequence[Side]) -> None:
    """Each diagnostic in full."""
    for one in measured:
        with st.container(border=True, key=f"_part_{one.plugin.name}"):
            _part(one, sides)


def _part(one: Measured, sides: Sequence[Side]) -> None:
    plugin = one.plugin
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plugin.title}", anchors=False, width="stretch")
        with st.popover("How to read this", type="tertiary", icon=":material/menu_book:"):
            _reading(plugin)
    st.caption(words.plain(plugin.summary))
    _lacks([one])
    if not any(one.found):
        return
    if len(sides) == 1:
        left, right = st.columns([1.7, 1], gap="large")
        with left:
            figures.show(plugin, one.found[0], of=sides[0].space)
        with right:
            signs.show(one.found[0], key=f"_signs_{plugin.name}")
        _advice(one)
        _behind(one, sides)
    else:
        _two(one, sides)


def _two(one: Measured, sides: Sequence[Side]) -> None:
    """The figures of both sides, then their numbers one above the other."""
    name = one.plugin.name
    for mark, column, side, found in zip("AB", st.columns(2), sides, one.found, strict=True):
        with column:
            st.markdown(f"**{mark}** {words.plain(side.name)}")
            if found:
                figures.show(one.plugin, found, of=side.space, key="" if mark == "A" else mark)
    signs.show(one.found[0], key=f"_signs_{name}", wide=True, other=one.found[1])
    _advice(one)
    _behind(one, sides)


def _behind(one: Measured, sides: Sequence[Side]) -> None:
    for mark, side, found in zip("AB", sides, one.found, strict=False):
        mark = mark if len(sides) > 1 else ""
        if one.plugin.family == encoder.FAMILY:
            encoder.behind(one.plugin, found, side, mark=mark)
        else:
            behind.items(one.plugin, found, of=side.space, side=mark)


def _advice(one: Measured) -> None:
    """Why the number matters and what to do; quieter where nothing is wrong."""
    told = ADVICE.get(one.plugin.name)
    if told is None:
        return
    wrong = any(f.verdict in ("watch", "bad") for found in one.found for f in found)
    why, what = st.columns(2, gap="large")
    why.markdown(f"**Why it matters.** {words.plain(told.why)}")
    title = "What to do" if wrong else "What to do if it turns bad"
    sentence = f"**{title}** :gray[({SOURCE})]**.** {words.plain(told.what)}"
    what.markdown(sentence) if wrong else what.caption(sentence)


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
            st.caption(f":material/info: {words.plain(' '.join(one.lacks))}")


def _families() -> Iterator[str]:
    return iter(dict.fromkeys(p.family for p in catalog.measures()))
