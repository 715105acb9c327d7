"""Two subsets or encoders: the differences by size, and the figures on shared axes."""

from collections.abc import Sequence

import streamlit as st

from core import measure
from core.measure import Contrast
from core.workbench import StoredFindings
from pages.parts import figures, formatting, vital_signs
from pages.parts.geometry import overview
from pages.parts.geometry.subset import Side


def show(sides: Sequence[Side]) -> list[StoredFindings]:
    """The differences between two spaces, the clearest first; returns what was measured."""
    each = [overview.measured(side) for side in sides]
    contrasts = measure.by_size(measure.compare(each[0].all, each[1].all))
    clear = [c for c in contrasts if c.differs]
    st.markdown(
        f"#### {len(clear) or 'No'} of {formatting.count(len(contrasts), 'finding')} "
        f"{'differs' if len(clear) == 1 else 'differ'}",
        anchors=False,
    )
    st.caption(measure.COMPARE_AID)
    _list(clear, "_clear")
    figures.show([found.figures for found in each], [found.all for found in each])
    others = [c for c in contrasts if not c.differs]
    if others:
        with st.expander(f"{formatting.count(len(others), 'finding')} without a clear difference"):
            _list(others, "_others")
    overview.lacks(each[0].lacks | each[1].lacks)
    return each


def _list(contrasts: Sequence[Contrast], key: str) -> None:
    if contrasts:
        both = [c.a for c in contrasts], [c.b for c in contrasts]
        vital_signs.show(both[0], key=f"_compared{key}", wide=True, other=both[1])
