"""Review pairs: caption, its image and the image that fits better; the answers are tags."""

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.types import Space
from core.workbench import Workbench, documents
from pages.parts import controls, formatting, gallery, problems, session, state
from pages.parts.item import browse
from pages.parts.state import Suspect

REVIEW = "Review pairs"
WRONG, FINE, SKIP = "wrong caption", "caption is fine", ""
ANSWERS = (
    ("Wrong caption", WRONG, "1", ":material/close:"),
    ("Fine", FINE, "2", ":material/check:"),
    ("Skip", SKIP, "3", ":material/skip_next:"),
)
FLAGGED, ALL = "likely", "all"
DONE = "reviewed"


def show(space: Space) -> None:
    """The next pair without an answer, and what was answered."""
    pairs = state.suspects(space)
    if not pairs:
        problems.nothing(
            "No pairs to review",
            "No caption is closer to another image than to its own.",
            icon=":material/done_all:",
        )
        return
    pairs = _chosen(pairs)
    tags = state.workbench().tags(state.collection())
    answers = {tag.ids: tag.name for tag in tags if tag.name in (WRONG, FINE)}
    seen = {*answers, *(ids for tag, ids in session.get(DONE, ()) if tag == SKIP)}
    open_ = [pair for pair in pairs if (pair.image, pair.text) not in seen]
    done = len(pairs) - len(open_)
    st.progress(done / len(pairs), f"{done:,} of {len(pairs):,} reviewed")
    if open_:
        _pair(open_[0])
    else:
        st.success(f"All {len(pairs):,} are reviewed.", icon=":material/done_all:")
    _actions(open_[0] if open_ else None)
    _answers(list(answers.values()))


def rows(bench: Workbench, name: str) -> list[dict[str, Any]]:
    """Every tag of a collection with the names and texts of its items."""
    tags = bench.tags(name)
    ids = list(dict.fromkeys(id_ for tag in tags for id_ in tag.ids))
    return documents.tags(tags, {item.id: item for item in bench.items(name, ids)})


def _chosen(pairs: Sequence[Suspect]) -> list[Suspect]:
    """Those that are probably wrong, or all that another image fits better; part of the link."""
    flagged = [pair for pair in pairs if pair.flagged]
    if not flagged:
        st.caption(
            "No caption stands out as wrong. These are the pairs that another image fits better, "
            "the least similar first."
        )
        return list(pairs)
    names = {
        FLAGGED: f"Probably wrong ({len(flagged):,})",
        ALL: f"Another image is closer ({len(pairs):,})",
    }
    which = session.linked(
        "review", FLAGGED, st.segmented_control, "Pairs", list(names), among=list(names),
        format_func=names.__getitem__, required=True, label_visibility="collapsed",
    )  # fmt: skip
    return flagged if which == FLAGGED else list(pairs)


def _pair(pair: Suspect) -> None:
    items = state.items([pair.text])
    with st.container(border=True, key="_review"):
        st.markdown(f"##### {formatting.plain(items[pair.text].text)}", anchors=False)
        if pair.flagged:
            st.caption(f"Probability that it belongs elsewhere: {pair.probability:.0%}")
        notes = {pair.image: "its image", pair.rival: "closest other image"}
        cards = gallery.cards([pair.image, pair.rival], notes=notes)
        browse(cards, key=f"_review_{pair.text}_{pair.image}", size=300)


def _actions(pair: Suspect | None) -> None:
    """The three answers and undo, each with a key."""
    with st.container(horizontal=True, key="_review_actions"):
        for label, tag, key, icon in ANSWERS:
            st.button(
                label, key=f"_review_{key}", icon=icon, shortcut=key, disabled=not pair,
                type="primary" if tag == WRONG else "secondary", on_click=_answer,
                args=(tag, pair),
            )  # fmt: skip
        st.button(
            "Undo", key="_review_undo", icon=":material/undo:", shortcut="z", type="tertiary",
            disabled=not session.get(DONE, ()), on_click=_undo,
        )  # fmt: skip


def _answer(tag: str, pair: Suspect) -> None:
    ids = (pair.image, pair.text)
    with problems.shown():
        if tag != SKIP:
            state.workbench().tag(state.collection(), tag, [ids])
        session.store(DONE, (*session.get(DONE, ()), (tag, ids)))


def _undo() -> None:
    *before, (tag, ids) = session.get(DONE, ())
    with problems.shown():
        if tag != SKIP:
            state.workbench().untag(state.collection(), tag, [ids])
        session.store(DONE, tuple(before))


def _answers(given: Sequence[str]) -> None:
    """How many of each, and the answers as files."""
    if not given:
        return
    bench, name = state.workbench(), state.collection()
    counts = ", ".join(
        f"{given.count(tag):,} {label.lower()}" for label, tag, _, _ in ANSWERS if tag in given
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Answers: {counts}. They are tags of the collection.", width="stretch")
        controls.download(lambda: rows(bench, name), "tags")
        st.download_button(
            "JSON", lambda: json.dumps(rows(bench, name), indent=2, ensure_ascii=False),
            "tags.json", "application/json", key="_save_tags_json", type="tertiary",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    if WRONG in given:
        st.caption(
            f'Recall without them: `sextant evaluate {name} --without-tag "{WRONG}"`, or on the '
            "Evaluate page."
        )
