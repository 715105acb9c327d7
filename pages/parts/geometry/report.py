"""A family of diagnostics in full, with the items of highest and lowest value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.measure import (
    CAUSES,
    SOURCE,
    USUAL,
    Advice,
    Threshold,
    extremes,
    folded,
    measures,
    reading,
    title,
)
from core.registry import Plugin
from core.types import SCOPE_NAMES, Finding, Space
from core.workbench import StoredFindings
from pages.parts import charts, controls, formatting, gallery, item, session, state, vital_signs
from pages.parts.geometry import encoder
from pages.parts.geometry.review import REVIEW
from pages.parts.geometry.subset import Side

OVERVIEW = "Overview"
EXAMPLES = 6


@dataclass(frozen=True)
class Measured:
    """A diagnostic with its findings on each side, or the reasons why it has none."""

    plugin: Plugin
    found: tuple[tuple[Finding, ...], ...]
    lacks: tuple[str, ...] = ()


def family() -> str:
    """Which part of the report is open; part of the link."""
    families = [OVERVIEW, *_families(), *([REVIEW] if len(state.space().pairs) else [])]
    return session.linked(
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
    """Measure the diagnostics of a family, with a progress bar."""
    plugins = [p for p in measures() if p.family == family]
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
    return state.measured(plugin.name, of=side.space)


def stored(measured: Sequence[Measured], sides: Sequence[Side]) -> list[StoredFindings]:
    """The same by side."""
    return [
        StoredFindings(
            {one.plugin.name: one.found[i] for one in measured if one.found[i]},
            {one.plugin.name: " ".join(one.lacks) for one in measured if one.lacks},
        )
        for i in range(len(sides))
    ]


def full(measured: Sequence[Measured], sides: Sequence[Side]) -> None:
    """Each diagnostic in full; those that only repeat their cause are folded and come last."""
    repeated = {f.name: head for head, found in _folded(measured).items() for f in found}
    for one in sorted(measured, key=lambda one: one.plugin.name in repeated):
        name, head = one.plugin.name, repeated.get(one.plugin.name)
        if head:
            label = f"{one.plugin.title}: from the same cause as {title(head).lower()}"
            with st.expander(label, key=f"_part_{name}"):
                _part(one, sides)
        else:
            with st.container(border=True, key=f"_part_{name}"):
                _part(one, sides)


def _folded(measured: Sequence[Measured]) -> Mapping[str, tuple[Finding, ...]]:
    """What only repeats a common cause, of one side; two are compared number by number."""
    if any(len(one.found) > 1 for one in measured):
        return {}
    return folded(f for one in measured for f in one.found[0])


def _part(one: Measured, sides: Sequence[Side]) -> None:
    plugin = one.plugin
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {plugin.title}", anchors=False, width="stretch")
        with st.popover("How to read this", type="tertiary", icon=":material/menu_book:"):
            _reading(plugin)
    st.caption(formatting.plain(plugin.summary))
    _lacks([one])
    if not any(one.found):
        return
    if len(sides) == 1:
        left, right = st.columns([1.7, 1], gap="large")
        with left:
            charts.show(plugin, one.found[0], of=sides[0].space)
        with right:
            vital_signs.show(one.found[0], key=f"_signs_{plugin.name}")
            _details(one.found[0])
        _advice(one)
        _behind(one, sides)
    else:
        _two(one, sides)


def _two(one: Measured, sides: Sequence[Side]) -> None:
    """The figures of both sides, then their numbers one above the other."""
    name = one.plugin.name
    for mark, column, side, found in zip("AB", st.columns(2), sides, one.found, strict=True):
        with column:
            st.markdown(f"**{mark}** {formatting.plain(side.name)}")
            if found:
                charts.show(one.plugin, found, of=side.space, key="" if mark == "A" else mark)
    vital_signs.show(one.found[0], key=f"_signs_{name}", wide=True, other=one.found[1])
    for mark, found in zip("AB", one.found, strict=True):
        _details(found, f"{mark} · ")
    _advice(one)
    _behind(one, sides)


def _details(findings: Sequence[Finding], mark: str = "") -> None:
    """Related numbers of each finding, in small print."""
    for finding in findings:
        if finding.detail:
            about = finding.name.partition(": ")[2] or SCOPE_NAMES[finding.scope]
            st.caption(f"**{mark}{formatting.plain(about)}** {formatting.plain(finding.detail)}")


def _behind(one: Measured, sides: Sequence[Side]) -> None:
    for mark, side, found in zip("AB", sides, one.found, strict=False):
        mark = mark if len(sides) > 1 else ""
        if one.plugin.family == encoder.FAMILY:
            encoder.behind(one.plugin, found, side, mark=mark)
        else:
            _items(one.plugin, found, of=side.space, side=mark)


def _items(
    plugin: Plugin, findings: Sequence[Finding], *, of: Space | None = None, side: str = ""
) -> None:
    """The items with the lowest and highest values; read when opened.

    Args:
        plugin: the diagnostic.
        findings: its findings.
        of: the space it measured; by default the one on screen.
        side: "A" or "B" where two are compared.
    """
    with_items = {f.scope: f for f in findings if f.per_item is not None}
    if not with_items:
        return
    key = f"_behind_{plugin.name}{side}"
    title = "Items with the lowest and highest values"
    title += f" ({side})" if side else ""
    with st.expander(title, key=key, on_change="rerun") as box:
        if not box.open:
            return
        scopes = list(with_items)
        scope = scopes[0]
        if len(scopes) > 1:
            scope = st.segmented_control(
                "Kind",
                scopes,
                default=scope,
                required=True,
                format_func=SCOPE_NAMES.__getitem__,
                key=f"{key}_scope",
                label_visibility="collapsed",
            )
        _both_ends(with_items[scope], of or state.space(), key)


def _both_ends(finding: Finding, space: Space, key: str) -> None:
    values = finding.per_item
    low, high = extremes(values, EXAMPLES)
    ids = space.ids
    for end, rows in (("Highest", high), ("Lowest", low)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"**{end}**: {formatting.plain(finding.per_item_title)}", width="stretch")
            if end == "Highest":
                name = f"{finding.name}-{finding.scope}-items"
                controls.download(_rows(finding, space), name, key=f"_save{key}")
        notes = {ids[r]: formatting.number(float(values[r])) for r in rows}
        cards = gallery.cards([ids[r] for r in rows], notes=notes)
        item.browse(cards, key=f"{key}_{finding.scope}_{end}", size=150)


def _rows(finding: Finding, space: Space) -> list[dict[str, str | float]]:
    title = finding.per_item_title or finding.name
    return [
        {"id": id_, title: float(value)}
        for id_, value in zip(space.ids, finding.per_item, strict=True)
        if value == value
    ]


def _advice(one: Measured) -> None:
    """Why the number matters and what to do; quieter where nothing is wrong."""
    advice: Advice = one.plugin.traits["advice"]
    wrong = any(f.verdict in ("watch", "bad") for found in one.found for f in found)
    why, what = st.columns(2, gap="large")
    why.markdown(f"**Why it matters.** {advice.why}")
    title = "What to do" if wrong else "What to do if it gets worse"
    sentence = f"**{title}** :gray[({SOURCE})]**.** {advice.what}"
    what.markdown(sentence) if wrong else what.caption(sentence)


def _reading(plugin: Plugin) -> None:
    """How to read the value, the threshold of its verdict, and the source."""
    st.markdown(reading(plugin.about) or formatting.plain(plugin.summary))
    rule: Threshold = plugin.traits["threshold"]
    st.markdown(
        f"**Verdict.** {formatting.plain(rule.words)} :gray[({formatting.plain(rule.source)})]"
    )
    if plugin.name in USUAL:
        st.markdown(f"**Usual for CLIP.** {formatting.plain(USUAL[plugin.name].words)}")
    if head := CAUSES.get(plugin.traits.get("cause", "")):
        st.caption(f"At worst watch: it follows from what {title(head).lower()} measures.")
    st.caption(f"Source: {formatting.plain(plugin.source)}")


def _lacks(measured: Sequence[Measured]) -> None:
    for one in measured:
        if one.lacks:
            st.caption(f":material/info: {formatting.plain(' '.join(one.lacks))}")


def _families() -> Iterator[str]:
    return iter(dict.fromkeys(p.family for p in measures()))
