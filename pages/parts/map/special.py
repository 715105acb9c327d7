"""What is special about the selection, and how it differs from another set of items."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import measure, report
from core.measure import KeyTerm, Separation
from core.types import SCOPE_NAMES, Ints
from core.workbench import Layout, Special
from pages.parts import formatting, problems, selection, session, state
from pages.parts.controls import download
from pages.parts.map import clusters

SHOWN = 12  # terms of each side
KEPT = "selection_a"  # an earlier selection, kept to compare with
REST = "The rest of the collection"
AID = (
    "Share of the selected items that have a word in their captions, a label, tag or attribute, "
    "against the others. Fisher's exact test at a false-discovery rate of 5%, the surest odds "
    "ratio first; an image counts once with all its captions. The name above is made of the first "
    "words and of the caption nearest to the mean of the selected ones."
)


def show(rows: Ints) -> None:
    """Terms over- and under-represented among the selected items."""
    with problems.shown():
        with st.spinner("Counting words…"):
            found = _special(rows)
        _terms("More often here", [t for t in found.terms if t.odds > 1])
        _terms("Less often here", [t for t in found.terms if t.odds < 1])
        if not found.terms:
            st.caption(_nothing(found, "the rest"))
        with st.container(horizontal=True, gap="small", key="map_special"):
            if found.terms:
                download(lambda: _table(found.terms), "special")
            selection.measure("_map_measure")


def name(rows: Ints, place: DeltaGenerator) -> None:
    """What the selection is called: the saved name, else its words and the nearest caption."""
    saved = session.get(selection.NAME, "")
    if saved:
        place.markdown(f"**{formatting.plain(saved)}**")
        return
    with problems.shown():
        found = _special(rows)
        words = measure.name_of(found.terms)
        nearest = [state.space().ids[row] for row in found.captions[:1]]
        caption = next((item.text for item in state.items(nearest).values()), "")
        said = formatting.plain(f"“{formatting.shorten(caption, 90)}”") if caption else ""
        lines = [f"**{formatting.plain(words)}**"] if words else []
        place.markdown("  \n".join([*lines, f":small[:gray[{said}]]"] if said else lines))


def compare(rows: Ints, layout: Layout) -> None:
    """The selection against the rest, a kept or saved selection, or a cluster."""
    st.button(
        "Keep as A, select another", key="_keep_a", icon=":material/bookmark:",
        on_click=_keep, help="Then the two are compared",
    )  # fmt: skip
    others = _others(layout)
    against = session.linked(
        "against", next(iter(others)), st.selectbox, "Compare with", list(others),
        among=list(others), format_func=others.__getitem__, filter_mode=None,
    )  # fmt: skip
    b = _rows_of(against, rows, layout)
    if not len(b):
        st.caption("It has no other items. Choose something else to compare with.")
        return
    with problems.shown():
        with st.spinner("Comparing…"):
            found = _special(rows, None if against == "rest" else b)
            apart = _apart(rows, b)
        st.caption(f"{selection.count(rows)} against {selection.count(b)}.")
        for one in apart:
            st.markdown(f":small[{_sentence(one)}]")
        if not apart:
            st.caption("One has images alone, the other texts alone: their means do not compare.")
        _terms("More often in the selection", [t for t in found.terms if t.odds > 1])
        _terms("More often in the other", [t for t in found.terms if t.odds < 1])
        if not found.terms:
            st.caption(_nothing(found, "the other"))


def _keep() -> None:
    session.store(KEPT, session.get(state.SELECTED, ""))
    session.preset("against", "a")
    selection.clear()


def _others(layout: Layout) -> dict[str, str]:
    """What the selection can be compared with, by the value in the link."""
    kept = selection.rows(KEPT)
    saved = state.workbench().saved_selections(state.opened())
    found = clusters.known(layout)
    return {
        "rest": REST,
        **({"a": f"A, kept before ({len(kept):,})"} if len(kept) else {}),
        **{f"={name}": formatting.shorten(name, 40) for name in saved},
        **{f"c{n}": f"Cluster: {name}" for n, name in enumerate(found.names if found else ())},
    }


def _rows_of(against: str, rows: Ints, layout: Layout) -> Ints:
    """The rows to compare with, without those of the selection."""
    if against == "a":
        other = selection.rows(KEPT)
    elif against.startswith("="):
        chosen = report.read_selection(against)
        found = state.workbench().selected_rows(state.opened(), chosen)
        other = rows if found is None else found
    elif against.startswith("c"):
        other = clusters.of(layout).rows(int(against[1:]))
    else:
        return report.rows_besides(state.space(), rows)
    return report.rows_besides(state.space(), rows, among=other)


def _terms(title: str, terms: Sequence[KeyTerm]) -> None:
    if not terms:
        return
    st.markdown(f"###### {title}", anchors=False, help=AID)
    st.dataframe(
        [
            {
                "what": t.term, "of": "" if t.field == "word" else t.field,
                "here": 100 * t.inside / t.n_inside, "others": 100 * t.outside / t.n_outside,
                "odds": f"{_ratio(t.odds)} ({_ratio(t.low)}–{_ratio(t.high)})",
            }
            for t in terms[:SHOWN]
        ],
        hide_index=True, key=f"_terms_{title}", height="content", row_height=28,
        column_config={
            "what": st.column_config.TextColumn("", width="small"),
            "of": st.column_config.TextColumn("", width=60)
            if any(t.field != "word" for t in terms[:SHOWN]) else None,
            "here": st.column_config.ProgressColumn(
                "Here", format="%.0f%%", min_value=0, max_value=100, width="small"
            ),
            "others": st.column_config.NumberColumn("Others", format="%.0f%%", width=60),
            "odds": st.column_config.TextColumn("Odds ratio", help="With its interval (95%)"),
        },
        alt=f"{title}: share here and among the others, and the odds ratio with its interval",
    )  # fmt: skip


def _ratio(x: float) -> str:
    """An odds ratio in two digits.

    >>> [_ratio(x) for x in (0.0412, 3.14159, 27.6, 4155.3)]
    ['0.041', '3.1', '28', '4,200']
    """
    return f"{float(f'{x:.2g}'):,.3g}" if x < 1000 else f"{float(f'{x:.2g}'):,.0f}"


def _sentence(one: Separation) -> str:
    """How the two sets of a kind differ, in numbers."""
    kind, mixed = SCOPE_NAMES[one.kind], measure.percent(*one.mixed)
    differ = "they lie in different places" if one.cosine < one.low else "no more than by chance"
    text = (
        f"{kind.capitalize()}: cosine of the two means {one.cosine:.2f}, of random sets of these "
        f"sizes {one.by_chance:.2f}; {differ}. Of the nearest neighbors {mixed} lie in "
        f"the other set, by chance {measure.share(one.mixed_by_chance)}."
    )
    return formatting.plain(text)


def _nothing(found: Special, other: str) -> str:
    a, b = found.n
    return (
        f"No word, label or attribute differs: {a:,} items against {b:,} of {other}, at a "
        "false-discovery rate of 5%."
    )


def _table(terms: Sequence[KeyTerm]) -> list[dict[str, str | float]]:
    return [
        {
            "field": t.field, "term": t.term, "inside": t.inside, "n_inside": t.n_inside,
            "outside": t.outside, "n_outside": t.n_outside, "odds_ratio": t.odds, "low": t.low,
            "high": t.high, "p": t.p, "q": t.q,
        }
        for t in terms
    ]  # fmt: skip


def _special(rows: Ints, others: Ints | None = None) -> Special:
    found = _counted(f"{state.tags_key()} {_key(rows)} {_key(others)}", rows, others)
    own = session.get(selection.NAME, "")  # that it has its own name says nothing
    terms = (t for t in found.terms if (t.field, t.term) != ("tag", own))
    return replace(found, terms=tuple(terms))


@st.cache_resource(max_entries=16, show_spinner=False)
def _counted(key: str, _rows: Ints, _others: Ints | None) -> Special:
    return state.workbench().special(state.opened(), _rows, _others)


def _apart(a: Ints, b: Ints) -> tuple[Separation, ...]:
    return _separated(f"{state.space().key} {_key(a)} {_key(b)}", a, b)


@st.cache_resource(max_entries=16, show_spinner=False)
def _separated(key: str, _a: Ints, _b: Ints) -> tuple[Separation, ...]:
    return state.workbench().separation(state.opened(), _a, _b)


def _key(rows: Ints | None) -> str:
    return "" if rows is None else report.rows_key(rows)
