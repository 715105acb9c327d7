"""The maps and what they are colored by: another coloring draws these anew, not the page."""

from typing import Any

import streamlit as st

from core import report
from pages.parts import problems, selection, state
from pages.parts.map import beside, coloring, layout, plot


@st.fragment
@problems.guarded
def show(drawing: plot.Drawing, second: beside.Second | None, place: Any) -> None:
    """Draw the map, and one beside it.

    Args:
        drawing: the points.
        second: the other map; None for none.
        place: the container of the choice of colors.
    """
    with state.workbench().read_session():
        colors = None
        with problems.shown():
            colors = coloring.chosen(drawing.rows, drawing.layout, place)
        colors = colors or report.by_kind(drawing.layout.space, drawing.rows)
        here, there = st.columns(2) if second else (st.container(), None)
        with here:
            if second:
                st.caption("This map")
            plot.show(drawing, colors, selection.mask(), ahead=coloring.by_label(drawing.rows))
        if second:
            with there:
                beside.show(drawing, colors, second)
        plot.under(drawing, colors, layout.reading(drawing.layout))
