"""Two encoders on the same queries: who finds what, agreement, and the paired difference."""

import streamlit as st

from core.measure import Versus
from core.workbench import EncodedCollection
from pages.parts import controls, formatting, gallery, item, session, state
from pages.parts.evaluate.scores import Request, points

SHOWN = 6  # queries that one encoder alone finds


def show(request: Request) -> None:
    """A choice of another encoder of the collection, and the comparison."""
    here = request.opened.passport.model
    others = [name for name in state.workbench().encoders(state.collection()) if name != here]
    if not others:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("##### Against another encoder", anchors=False, width="content")
        other = session.linked(
            "rival", "", st.selectbox, "Other encoder", ["", *others], among=["", *others],
            format_func=lambda name: name or "None", width=260, label_visibility="collapsed",
            filter_mode=None,
        )  # fmt: skip
    if not other:
        return
    rival = request.of_encoder(other)
    found = _versus(f"{request.key} {rival.space.key}", request.opened, rival)
    for name, versus in found.items():
        _numbers(controls.DIRECTIONS[name], versus, here, other)
    with st.container(horizontal=True):
        direction = controls.direction("versus_direction")
        sides = {"lost": f"Only {other} finds", "won": f"Only {here} finds"}
        side = session.linked(
            "versus_side", "lost", st.segmented_control, "Which", list(sides), among=list(sides),
            format_func=lambda s: f"{sides[s]} {len(getattr(found[direction], s)):,}",
            required=True, label_visibility="collapsed",
        )  # fmt: skip
    versus = found[direction]
    places = getattr(versus, side)[:SHOWN].tolist()
    if places:
        cards = gallery.of_queries(request.opened.space, versus, places, (here, other))
        item.browse(cards, key="_versus", size=170)


@st.cache_resource(max_entries=8, show_spinner="Ranking with both encoders…")
def _versus(key: str, _a: EncodedCollection, _b: EncodedCollection) -> dict[str, Versus]:
    return state.workbench().compare_encoders(_a, _b)


def _numbers(title: str, found: Versus, a: str, b: str) -> None:
    gain, overlap = found.gain, found.overlap
    with st.grid(4, min_column_width=180):
        st.metric(
            f"{title}: difference in recall@{found.k}", points(gain.value),
            delta=f"{points(gain.low).partition(' ')[0]} to {points(gain.high)}", delta_color="off",
            delta_arrow="off",
            help=f"Recall of {a} minus that of {b} on the same {len(found.queries):,} queries, "
            "with its paired 95% interval; 0 is no difference.",
        )  # fmt: skip
        st.metric(f"Only {a} finds", f"{len(found.won):,}", help="Within the first 10 results.")
        st.metric(f"Only {b} finds", f"{len(found.lost):,}", help="Within the first 10 results.")
        st.metric(
            f"Overlap of the first {found.k}", formatting.percent(overlap.value),
            delta=f"chance {formatting.percent(overlap.chance)}", delta_color="off",
            delta_arrow="off",
            help="Mean share of the first results that both have; 95% interval "
            f"{formatting.percent(overlap.low)} to {formatting.percent(overlap.high)}.",
        )  # fmt: skip
