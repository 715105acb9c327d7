"""The report of a collection's last ingest: what can be searched now, and what was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.workbench import Card, tasks
from pages.parts import controls, formatting, jobs, problems, session, state
from pages.parts.collections import reading

SEARCH = "pages/explore/search.py"
REPORT = "report"


def open_report(name: str) -> None:
    """Show the report of a collection's last ingest on the Collections page."""
    session.store(REPORT, name)


def close_report() -> None:
    """Close the report."""
    session.store(REPORT, "")


def last(cards: Sequence[Card]) -> None:
    """The report that is open."""
    for card in cards:
        if (
            card.name == session.get(REPORT, "")
            and card.last_intake
            and not jobs.filling(card.name)
        ):
            show(card, card.last_intake)


def show(card: Card, intake: Mapping[str, Any]) -> None:
    """What was added, updated, left as it was, not read, and is gone."""
    # Reports of earlier versions lack what was added later.
    changed, gone = intake.get("changed", []), intake.get("gone", [])
    missing = [{"name": n, "reason": "another image has its name now"} for n in changed]
    missing += [{"name": n, "reason": "the source no longer has it"} for n in gone]
    repeated = [{"name": n, "reason": "identical to another"} for n in intake["repeated"]]
    of = {"not read": intake["refused"], "gone": missing, "repeated": repeated}
    rows = [{"status": status, **row} for status, some in of.items() for row in some]
    counts = _counts(intake, len(missing))
    with st.container(border=True, key="_report", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Ingest report: {formatting.plain(card.name)}**", width="stretch")
            if rows:
                controls.download(rows, f"{card.name}-report")
            st.button("Close", key="_close_report", type="tertiary", on_click=close_report)
        with st.grid(6, min_column_width=100):
            for label, count in counts.items():
                st.metric(label, f"{count:,}")
        _search(card, intake)
        reading.how(intake.get("form", ""), intake.get("columns", {}), intake.get("left_aside", []))
        for note in intake.get("notes", ()):
            st.caption(formatting.plain(note))
        _missing(card.name, intake, missing)
        if intake["refused"]:
            st.caption(f"{formatting.count(len(intake['refused']), 'file')} not read:")
            st.dataframe(
                intake["refused"], hide_index=True, alt="Files that were not read, and why"
            )
        if repeated and "Repeated" in counts:
            with st.expander(f"{len(repeated):,} repeated: identical to others, stored once"):
                st.dataframe(intake["repeated"], hide_index=True, alt="Repeated files")


def _counts(intake: Mapping[str, Any], missing: int) -> dict[str, int]:
    """What was added, and what became of items that were there before, if there are any."""
    counts = {"Images added": intake["added"]["image"], "Texts added": intake["added"]["text"]}
    if intake.get("updated", 0) + intake.get("unchanged", 0):
        counts |= {"Updated": intake["updated"], "Unchanged": intake["unchanged"]}
    else:
        counts["Repeated"] = len(intake["repeated"])
    if missing:
        counts["Gone or changed"] = missing
    return counts | {"Not read": len(intake["refused"])}


def _search(card: Card, intake: Mapping[str, Any]) -> None:
    """A link to what was added, or to the collection."""
    added, only = intake["added"], {}
    kind = next((kind for kind in ("image", "text") if added[kind]), "")
    label = "Search the collection"
    if kind:
        one = added[kind] == 1
        label = f"Search {f'this {kind}' if one else f'these {added[kind]:,} {kind}s'}"
        if "time" in intake and card.images + card.texts > sum(added.values()):
            only = {"is.added": intake["time"]}
        if kind == "text":
            only["kinds"] = "Texts"
    st.page_link(
        SEARCH, label=f":primary[{label}]", icon=":material/search:",
        query_params={state.COLLECTION: card.name, **only},
    )  # fmt: skip


def _missing(name: str, intake: Mapping[str, Any], missing: Sequence[Mapping[str, str]]) -> None:
    """Items that the source had earlier, and a button that deletes them."""
    if not missing:
        return
    items = formatting.count(len(missing), "item")
    if intake["pruned"]:
        st.caption(f"{items} of an earlier ingest deleted:")
    else:
        st.caption(f"{items} of an earlier ingest that the source no longer has, kept:")
    st.dataframe(missing, hide_index=True, alt="Items that are gone or changed")
    if not intake["pruned"] and st.button(
        f"Delete {'it' if len(missing) == 1 else 'them'}", key="_prune",
        icon=":material/delete:", help="Reads the source again, and deletes what it no longer has.",
    ):  # fmt: skip
        with problems.shown():
            again = intake["again"]
            tasks.start(
                state.workbench(), "ingest", f"Deleting what is gone from {name}",
                name=name, path=again["path"], encoder=None, options=again["options"], prune=True,
            )  # fmt: skip
            st.rerun()
