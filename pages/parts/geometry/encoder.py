"""The encoder itself: tried when asked to, how that stands, and the pictures behind its numbers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import streamlit as st

from core.measure import extremes
from core.registry import Plugin
from core.types import Finding
from core.workbench import EncoderReport, tasks
from pages.parts import formatting, gallery, jobs, session, state
from pages.parts.geometry.subset import Side
from pages.parts.item import browse

FAMILY = "Encoder"
VERB = "encoder_report"
SHOWN = 8
WHAT = (
    "Pictures of the collection are turned, cut, blurred, brightened, made grey and saved as JPEG, "
    "each at four strengths, and encoded again: what does the encoder ignore, and what can be "
    "foretold? Texts are cut to several lengths and encoded again: does it crowd long ones? "
    "The numbers stay with the collection."
)
NOT_YET = "The encoder has not been tried yet: that takes a while, so it waits until you ask."


def sides(found: Sequence[Side]) -> tuple[Side, ...]:
    """One side for each encoder: parts of a collection share theirs."""
    return tuple({side.space.encoder: side for side in reversed(found)}.values())[::-1]


def measure(plugin: Plugin, side: Side) -> tuple[tuple[Finding, ...], str]:
    """What is known of a side's encoder, or what it lacks."""
    report = _report(side.space.encoder)
    if report is None:
        return (), ""
    return report.of_probe(plugin.name, side.space), report.lacks.get(plugin.name, "")


def overview(found: bool) -> None:
    """In place of numbers, the way to them."""
    if not found:
        st.caption(NOT_YET)
        st.button(
            "Go there", key="_to_encoder", on_click=session.turn, args=("family", FAMILY),
            type="tertiary",
        )  # fmt: skip


def panel(found: Sequence[Side]) -> None:
    """For each encoder: try it, how far it is, or what the numbers came from."""
    for n, side in enumerate(found):
        with st.container(border=True, key=f"_encoder_{n}"):
            _panel(side.space.encoder)


def behind(plugin: Plugin, findings: Sequence[Finding], side: Side, *, mark: str = "") -> None:
    """The pictures that a change moved most, as they are and changed; read when opened."""
    changes = {f.name.partition(": ")[2]: f for f in findings if f.per_item is not None}
    if not changes:
        return
    key = f"_behind_{plugin.name}{mark}"
    with st.expander(f"The pictures behind {mark or 'it'}", key=key, on_change="rerun") as box:
        if not box.open:
            return
        names = list(changes)
        change = st.segmented_control(
            "Change", names, default=names[0], required=True, key=f"{key}_change",
            label_visibility="collapsed",
        )  # fmt: skip
        _pictures(changes[change], change, side, key)


def _pictures(finding: Finding, change: str, side: Side, key: str) -> None:
    values, ids = finding.per_item, side.space.ids
    low, high = extremes(values, SHOWN)
    bench, opened = state.workbench(), state.opened()
    for title, rows in (("Lowest", low), ("Highest", high)):
        chosen = [ids[r] for r in rows]
        notes = {ids[r]: formatting.number(float(values[r])) for r in rows}
        changed = bench.augmented(opened, chosen, change)
        after = [
            replace(card, picture=gallery.data_uri(changed.get(card.id, b"")))
            for card in gallery.cards(chosen, notes=notes)
        ]
        before = gallery.cards(chosen, notes=dict.fromkeys(chosen, "as it is"))
        st.caption(f"**{title}**: {formatting.plain(finding.per_item_title)}")
        left, right = st.columns(2, gap="large")
        with left:
            st.caption("As they are")
            browse(before, key=f"{key}_{change}_{title}", size=110)
        with right:
            st.caption(f"After {change}")
            browse(after, key=f"{key}_{change}_{title}_after", size=110)


def _panel(model: str) -> None:
    bench, name = state.workbench(), state.collection()
    report, off = _report(model), bench.encoder_report_off(state.opened(model))
    job = bench.jobs.latest(VERB, {"name": name, "encoder": model})
    if report:
        _about(report)
    else:
        st.markdown(f"**What does {formatting.plain(model)} ignore?**")
        st.caption(WHAT)
    if off:
        st.caption(f":material/info: {formatting.plain(off)}")
    elif job and job.state != "done":
        jobs.one(job)
    elif report is None or report.stale or not report.complete:
        st.caption(_how_long(name, model, state.space().key))
        title = "Go on" if report and not report.stale else "Try it again" if report else "Try it"
        st.button(
            title, key=f"_try_{model}", type="primary", icon=":material/play_arrow:",
            on_click=_start, args=(name, model),
        )  # fmt: skip


def _start(name: str, model: str) -> None:
    title = f"Trying {model} on {name}"
    tasks.start(state.workbench(), VERB, title, name=name, encoder=model)


def _about(report: EncoderReport) -> None:
    """What the numbers came from, and whether they still hold."""
    when = f"{datetime.fromtimestamp(report.made):%d %B %Y}"
    st.caption(
        f"{formatting.plain(report.encoder)} was tried on a random {len(report.ids):,} of "
        f"{formatting.count(report.of, 'picture')} of the whole collection, {when}."
    )
    if report.stale:
        st.warning(
            "The collection has changed since, or what is measured has: these numbers say how it "
            "was then.",
            icon=":material/history:",
        )
    if report.left_out:
        with st.expander(
            f"{formatting.count(len(report.left_out), 'picture')} left out", type="compact"
        ):
            for item, reason in report.left_out[:50]:
                st.caption(f"{formatting.plain(item)}: {formatting.plain(reason)}.")


@st.cache_data(max_entries=32, show_spinner=False)
def _how_long(name: str, model: str, key: str) -> str:
    """An estimate from a measured speed, or that there is none."""
    todo, rate = state.workbench().encoder_work(state.opened(model))
    if not rate:
        return f"{formatting.count(todo, 'encoding')}; how fast they go is seen when it runs."
    minutes = todo / rate / 60
    span = f"{minutes:.0f} minutes" if minutes > 1.5 else "a minute" if minutes > 0.5 else "seconds"
    return (
        f"About {span}: {formatting.count(todo, 'encoding')} at the {rate:,.0f} a second "
        "measured here "
        "last time. You can go on working, cancel, and resume."
    )


def _report(model: str) -> EncoderReport | None:
    return state.workbench().saved_encoder_report(state.opened(model))
