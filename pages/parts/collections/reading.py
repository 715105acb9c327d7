"""How a source is or was read: its form, the role of each column, and what is left aside."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.workbench import FORMS
from pages.parts import formatting

SHOWN = 5
TITLES = {form.name: form.title for form in FORMS}


def how(form: str, columns: Mapping[str, str], left_aside: Sequence[Mapping[str, str]]) -> None:
    """Two lines and a list; nothing where nothing is known."""
    lines = [f"Read as: **{formatting.plain(TITLES.get(form, form))}**"] if form else []
    lines += [f"Columns: {_roles(columns)}"] if columns else []
    if lines:
        st.caption("  \n".join(lines))
    if not left_aside:
        return
    lines = [
        f"- **{formatting.plain(aside['name'])}**: {formatting.plain(aside['reason'])}"
        for aside in left_aside
    ]
    st.caption("Left aside:\n" + "\n".join(lines[:SHOWN]))
    if lines[SHOWN:]:
        with st.expander(f"{len(lines) - SHOWN:,} more left aside", type="compact"):
            st.caption("\n".join(lines[SHOWN:]))


def _roles(columns: Mapping[str, str]) -> str:
    """Columns by role: those of images, captions and labels first.

    >>> _roles({"year": "attribute", "file": "image", "size": "attribute"})
    'file (image); size, year (attribute)'
    """
    by_role: dict[str, list[str]] = {}
    for column, role in columns.items():
        by_role.setdefault(role, []).append(formatting.plain(column))
    order = sorted(by_role, key=lambda role: (role == "attribute", role == "label", role))
    return "; ".join(f"{', '.join(sorted(by_role[role]))} ({role})" for role in order)
