"""The items behind a number: those with the lowest and the highest value, to look at."""

from collections.abc import Sequence

import streamlit as st

from core import views
from core.registry import Plugin
from core.types import Finding, Space
from pages.parts import controls, draw, gallery, state, viewer, words

SHOWN = 6


def items(
    plugin: Plugin, findings: Sequence[Finding], *, of: Space | None = None, side: str = ""
) -> None:
    """A closed box; the items are read when it is opened.

    Args:
        plugin: which diagnostic.
        findings: what it found.
        of: the space it measured; the one on screen without.
        side: "A" or "B" where two are compared.
    """
    with_items = {f.scope: f for f in findings if f.per_item is not None}
    if not with_items:
        return
    key = f"_behind_{plugin.name}{side}"
    with st.expander(f"The items behind {side or 'it'}", key=key, on_change="rerun") as box:
        if not box.open:
            return
        scopes = list(with_items)
        scope = scopes[0]
        if len(scopes) > 1:
            scope = st.segmented_control(
                "Which items",
                scopes,
                default=scope,
                required=True,
                format_func=draw.KIND_NAMES.__getitem__,
                key=f"{key}_scope",
                label_visibility="collapsed",
            )
        _both_ends(with_items[scope], of or state.space(), key)


def _both_ends(finding: Finding, space: Space, key: str) -> None:
    values = finding.per_item
    low, high = views.extremes(values, SHOWN)
    ids = space.ids
    for title, rows in (("Highest", high), ("Lowest", low)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"**{title}**: {words.plain(finding.per_item_title)}", width="stretch")
            if title == "Highest":
                name = f"{finding.name}-{finding.scope}-items"
                controls.download(_rows(finding, space), name, key=f"_save{key}")
        notes = {ids[r]: words.number(float(values[r])) for r in rows}
        cards = gallery.cards([ids[r] for r in rows], notes=notes)
        viewer.browse(cards, key=f"{key}_{finding.scope}_{title}", size=150)


def _rows(finding: Finding, space: Space) -> list[dict[str, str | float]]:
    title = finding.per_item_title or finding.name
    return [
        {"id": id_, title: float(value)}
        for id_, value in zip(space.ids, finding.per_item, strict=True)
        if value == value
    ]
