"""The overview: recall, what to mend and to watch, four figures, and every finding as a dot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import streamlit as st

from core import ASSETS, measure, report
from core.measure import Concern
from core.types import SCOPE_NAMES, Finding
from core.workbench import Job, StoredFindings, tasks
from pages.parts import (
    charts,
    figures,
    formatting,
    gallery,
    item,
    jobs,
    problems,
    selection,
    session,
    state,
    vital_signs,
)
from pages.parts.geometry import encoder
from pages.parts.geometry.review import REVIEW
from pages.parts.geometry.subset import Side

MAP, SEARCH = "pages/explore/map.py", "pages/explore/search.py"
STRIP = 5  # items behind a concern
AT_ONCE = 4  # concerns, unless more are to mend
RANKING = {"hub_correction": "nnn"}
RECALL = "pair_recall"
COLORS = {"bad": "red", "watch": "orange"}
WORDS = {"bad": "Mend", "watch": "Watch"}
_FILES = ASSETS / "dots"
_DOTS = st.components.v2.component(
    "sextant_dots",
    css=(_FILES / "dots.css").read_text("utf-8"),
    js=(_FILES / "dots.js").read_text("utf-8"),
)


def one(side: Side) -> StoredFindings:
    """The overview of a side; of a whole collection while a job measures it."""
    found = measured(side)
    if found.missing:
        st.fragment(problems.guarded(_streaming), run_every=1.0)(side)
    else:
        show(found, side)
    return found


def measured(side: Side) -> StoredFindings:
    """What is stored of a whole collection, perhaps not all of it; a part is measured here."""
    if side.whole:
        return state.stored_findings(side.space.encoder)
    place = st.empty()
    found = state.measured_part(
        side.space, lambda part: place.progress(0.0, f"Measuring {part.replace('_', ' ')}…")
    )
    place.empty()
    return found


def _streaming(side: Side) -> None:
    """What is measured so far, while the rest is."""
    found = state.stored_findings(side.space.encoder)
    if not found.missing:
        st.rerun()
    job = _job(side, found)
    if job.state == "running":
        done = job.done / job.total if job.total else 0.0
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(done, f"Measuring: {job.done} of {job.total or '…'}", width="stretch")
            st.button("Cancel", key="_cancel_measuring", type="tertiary", on_click=job.cancel)
    else:
        jobs.one(job)
    show(found, side, complete=False)


def _job(side: Side, found: StoredFindings) -> Job:
    """The job that measures; started unless a person has stopped it or it has failed."""
    bench, name = state.workbench(), state.collection()
    model = state.encoder_named(side.space.encoder)
    arguments = {"name": name, "encoder": model, "recipe": state.recipe(side.space.encoder)}
    job = bench.jobs.latest("measure_all", arguments)
    if job is None or job.state in ("done", "interrupted"):
        return tasks.start_measuring(bench, **arguments)
    return job


def show(found: StoredFindings, side: Side, *, complete: bool = True) -> None:
    """The overview of one space."""
    concerns = measure.concerns(found.all)
    with st.container(key="_headline"):
        _headline(found, concerns, complete=complete)
        _held_out(side)
    with st.container(key="_concerns", gap="xsmall"):
        shown = max(AT_ONCE, sum(c.verdict == "bad" for c in concerns))
        for n, concern in enumerate(concerns[:shown]):
            _concern(n, concern, side)
        if more := concerns[shown:]:
            with st.expander(f"{len(more)} more to watch", type="compact", key="_more"):
                for n, concern in enumerate(more, shown):
                    _concern(n, concern, side)
    figures.show([found.figures], [found.all])
    with st.container(key="_families_row"):
        families(found.all, encoder.findings(side))
    lacks(found.lacks)


def _headline(found: StoredFindings, concerns: Sequence[Concern], *, complete: bool) -> None:
    """Recall, and how much there is to do."""
    count = {v: sum(c.verdict == v for c in concerns) for v in WORDS}
    fine = sum(f.verdict == "good" for f in found.all)
    with st.container(horizontal=True, vertical_alignment="center"):
        recall = next(iter(found.findings.get(RECALL, ())), None)
        if recall:
            value, interval, chance = measure.shown(recall)
            st.markdown(
                f"#### Finds the right image in the top 10 for {value} of the texts "
                f":gray[({interval}; guessing {chance})]",
                anchors=False, width="stretch",
            )  # fmt: skip
        elif RECALL in found.lacks:
            st.markdown("#### No caption pairs: recall is unknown", anchors=False, width="stretch")
        else:
            st.space("stretch")
        if any((*count.values(), fine)):
            st.markdown(
                f":red[**{count['bad']}**] to mend, :orange[**{count['watch']}**] to watch, "
                f":green[**{fine}**] findings fine" + ("" if complete else " so far"),
                width="content",
            )
        elif found.all:
            st.markdown(":gray[Too few items to judge]", width="content")


def _held_out(side: Side) -> None:
    """Which pairs the figures are over, where some are held out."""
    space = side.space
    if not len(space.held_out):
        return
    judged, n = int(space.held_out[space.pairs].all(axis=1).sum()), len(space.pairs)
    if judged < n:
        st.caption(
            f"The recall above is of the {formatting.count(judged, 'held-out pair')}. All else is "
            f"over all {n:,} pairs, which may look better where the encoder was trained on the "
            "others; filter by split = test to measure the held-out items alone."
        )


def _concern(n: int, concern: Concern, side: Side) -> None:
    """What is wrong, the items behind it, and what to do."""
    verdict = concern.verdict
    with st.container(border=True, key=f"_concern_{n}"):
        about, behind, act = st.columns(
            [1.15, 1.25, 0.5], gap="medium", vertical_alignment="center"
        )
        with about:
            badge = f":{COLORS[verdict]}-badge[{WORDS[verdict]}]"
            st.markdown(f"{badge} **{formatting.plain(concern.headline)}**")
            if concern.lead.name != RECALL:
                st.caption(formatting.plain(concern.about))
            if concern.also:
                st.caption(f"Also: {formatting.plain(concern.also)}")
        with behind:
            _behind(n, concern, side)
        with act, st.container(horizontal_alignment="right"):
            _act(n, concern, side)


def _behind(n: int, concern: Concern, side: Side) -> None:
    """Pairs with the image that fits better; else the items with the worst values."""
    if concern.action == "review" and (pairs := state.suspects(side.space)):
        one = pairs[0]
        _strip({one.image: "its image", one.text: "caption", one.rival: "closer image"}, n)
        return
    finding = next((f for f in _with_items(concern, side) if f.per_item is not None), None)
    if finding is None:
        return
    if concern.action == "correct" and finding.curve is not None:
        alt = f"{finding.curve.y_title} by {finding.curve.x_title}: {concern.about}"
        color = charts.SCOPE_COLORS[concern.lead.scope]
        st.image(report.sparkline(finding.curve, color), width=180, alt=alt)
    values = {
        side.space.ids[row]: formatting.number(float(finding.per_item[row]))
        for row in concern.rows(finding, STRIP)
    }
    if values:
        _strip(values, n)
        st.caption(f"Number: {formatting.plain(finding.per_item_title)}")


def _strip(notes: Mapping[str, str], n: int) -> None:
    """Small cards with a note each and nothing else."""
    cards = [replace(card, labels=()) for card in gallery.cards(list(notes), notes=notes)]
    item.browse(cards, key=f"_behind_{n}", size=76)


def _with_items(concern: Concern, side: Side) -> list[Finding]:
    """The lead's findings with their values for single items, that of its scope first."""
    findings, _ = state.measured(concern.lead.name, of=side.space)
    return sorted(findings, key=lambda f: f.scope != concern.lead.scope)


def _act(n: int, concern: Concern, side: Side) -> None:
    """The one button that acts."""
    key, name = f"_act_{n}", concern.lead.name
    if concern.action == "review":
        st.button(
            "Review pairs", key=key, type="primary", on_click=session.preset,
            args=("family", REVIEW),
        )  # fmt: skip
    elif concern.action == "correct" and len(side.space.pairs):
        _try(key, side)
    elif measure.measure(name).traits.get("per_item"):
        if st.button("Show on map", key=key):
            session.preset("color", name)
            session.preset("of", concern.lead.scope)
            finding = next(iter(_with_items(concern, side)))
            rows = concern.rows(finding, 50)
            selection.choose_ids(side.space.ids[row] for row in rows)
            st.switch_page(MAP)
    else:
        family = measure.measure(name).family
        st.button("Details", key=key, on_click=session.preset, args=("family", family))


def _try(key: str, side: Side) -> None:
    """Measure what NNN gains on the collection's pairs, or what it gained."""
    bench, name = state.workbench(), state.collection()
    opened = state.opened(side.space.encoder)
    gain = bench.ranking_gain(opened, RANKING)
    arguments = {
        "name": name, "encoder": state.encoder_named(side.space.encoder), "rankings": [RANKING],
    }  # fmt: skip
    job = bench.jobs.latest("measure_rankings", arguments)
    if gain:
        st.caption(f"NNN: {formatting.plain(gain.sentence)}")
        if gain.verdict == "gains" and st.button("Search with NNN", key=f"{key}_use"):
            session.preset("hubs", RANKING["hub_correction"])
            st.switch_page(SEARCH)
    elif job and job.state != "done":
        jobs.one(job)
    else:
        st.button(
            "Try NNN: measure", key=key, on_click=tasks.start,
            args=(bench, "measure_rankings", f"Measuring NNN on {name}"), kwargs=arguments,
        )  # fmt: skip


def families(findings: Sequence[Finding], probes: Sequence[Finding] = ()) -> None:
    """Every finding as a dot in its family; a click opens the family."""
    each: dict[str, list[Finding]] = {}
    for finding in (*findings, *probes):
        each.setdefault(measure.measure(finding.name).family, []).append(finding)
    data = [
        {
            "name": family,
            "findings": [
                {
                    "verdict": f.verdict,
                    "sentence": f.sentence,
                    "label": f"{measure.title(f.name)}, {SCOPE_NAMES[f.scope]}: "
                    f"{vital_signs.VERDICTS[f.verdict]}. {f.sentence}",
                }
                for f in each[family]
            ],
        }
        for family in sorted(each, key=measure.family_rank)
    ]
    clicked = _DOTS(key="_families", data={"families": data}, on_opened_change=lambda: None)
    if clicked.opened:
        session.preset("family", clicked.opened)
        st.rerun()


def lacks(sentences: Mapping[str, str]) -> None:
    """Why diagnostics do not apply; one line until opened."""
    if not sentences:
        return
    count = len(sentences)
    with st.expander(f"{count} {'does' if count == 1 else 'do'} not apply: why", type="compact"):
        for sentence in dict.fromkeys(sentences.values()):
            st.caption(formatting.plain(sentence))
