"""The encoder report: run on request, its progress, and the images behind its numbers."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from datetime import datetime

import streamlit as st

from core.measure import extremes
from core.registry import Plugin
from core.types import Finding
from core.workbench import EncoderReport, tasks
from pages.parts import formatting, gallery, jobs, state
from pages.parts.geometry.subset import Side
from pages.parts.item import browse

FAMILY = "Encoder"
VERB = "encoder_report"
EXAMPLES = 8
ABOUT = (
    "Images of the collection are rotated, cropped, blurred, brightened, converted to grayscale "
    "and compressed as JPEG, each at four strengths, and encoded again to measure invariance and "
    "equivariance. Texts are truncated to several lengths and encoded again to measure length "
    "collapse. The report is saved with the collection."
)


def sides(given: Sequence[Side]) -> tuple[Side, ...]:
    """One side per encoder: subsets of a collection share theirs."""
    return tuple({side.space.encoder: side for side in reversed(given)}.values())[::-1]


def measure(plugin: Plugin, side: Side) -> tuple[tuple[Finding, ...], str]:
    """The findings on a side's encoder, or what they lack."""
    report = _report(side.space.encoder)
    if report is None:
        return (), ""
    return report.of_probe(plugin.name, side.space), report.lacks.get(plugin.name, "")


def findings(side: Side) -> tuple[Finding, ...]:
    """Every finding of the report on a side's encoder, if there is one."""
    report = _report(side.space.encoder)
    return tuple(report.findings) if report else ()


def panel(sides: Sequence[Side]) -> None:
    """For each encoder: run the report, its progress, or what it was measured on."""
    for n, side in enumerate(sides):
        with st.container(border=True, key=f"_encoder_{n}"):
            _panel(side.space.encoder)


def behind(plugin: Plugin, findings: Sequence[Finding], side: Side, *, mark: str = "") -> None:
    """The images that an augmentation moved least and most; read when opened."""
    changes = {f.name.partition(": ")[2]: f for f in findings if f.per_item is not None}
    if not changes:
        return
    key = f"_behind_{plugin.name}{mark}"
    title = "Images with the lowest and highest values"
    title += f" ({mark})" if mark else ""
    with st.expander(title, key=key, on_change="rerun") as box:
        if not box.open:
            return
        names = list(changes)
        name = st.segmented_control(
            "Augmentation", names, default=names[0], required=True, key=f"{key}_change",
            label_visibility="collapsed",
        )  # fmt: skip
        _images(changes[name], name, side, key)


def _images(finding: Finding, augmentation: str, side: Side, key: str) -> None:
    values, ids = finding.per_item, side.space.ids
    low, high = extremes(values, EXAMPLES)
    bench, opened = state.workbench(), state.opened()
    for title, rows in (("Lowest", low), ("Highest", high)):
        chosen = [ids[r] for r in rows]
        notes = {ids[r]: formatting.number(float(values[r])) for r in rows}
        augmented = bench.augmented(opened, chosen, augmentation)
        after = [
            replace(card, image=gallery.data_uri(augmented.get(card.id, b"")))
            for card in gallery.cards(chosen, notes=notes)
        ]
        before = gallery.cards(chosen, notes=dict.fromkeys(chosen, "original"))
        st.caption(f"**{title}**: {formatting.plain(finding.per_item_title)}")
        left, right = st.columns(2, gap="large")
        with left:
            st.caption("Original")
            browse(before, key=f"{key}_{augmentation}_{title}", size=110)
        with right:
            st.caption(f"After {augmentation}")
            browse(after, key=f"{key}_{augmentation}_{title}_after", size=110)


def _panel(model: str) -> None:
    bench, name = state.workbench(), state.collection()
    report, off = _report(model), bench.encoder_report_off(state.opened(model))
    job = bench.jobs.latest(VERB, {"name": name, "encoder": model})
    if report:
        _about(report)
    else:
        st.markdown(f"**Report on {formatting.plain(model)}**")
        st.caption(ABOUT)
    if off:
        st.caption(f":material/info: {formatting.plain(off)}")
    elif job and job.state != "done":
        jobs.one(job)
    elif report is None or report.stale or not report.complete:
        begun = (report.stale, report.rate, *report.done) if report else ()
        st.caption(_how_long(name, model, (state.space().key, *begun)))
        title = "Continue" if report and not report.stale else "Run again" if report else "Run"
        st.button(
            title, key=f"_try_{model}", type="primary", icon=":material/play_arrow:",
            on_click=_start, args=(name, model),
        )  # fmt: skip


def _start(name: str, model: str) -> None:
    title = f"Encoder report of {model} on {name}"
    tasks.start(state.workbench(), VERB, title, name=name, encoder=model)


def _about(report: EncoderReport) -> None:
    """What the report was measured on, and whether it is up to date."""
    when = f"{datetime.fromtimestamp(report.made):%d %B %Y}"
    st.caption(
        f"{formatting.plain(report.encoder)}, measured on a random sample of {len(report.ids):,} "
        f"of the collection's {formatting.count(report.of, 'image')}, {when}."
    )
    if report.stale:
        st.warning(
            "Out of date: the collection or the measurements have changed since.",
            icon=":material/history:",
        )
    if report.left_out:
        with st.expander(
            f"{formatting.count(len(report.left_out), 'image')} excluded", type="compact"
        ):
            for item, reason in report.left_out[:50]:
                st.caption(f"{formatting.plain(item)}: {formatting.plain(reason)}.")


@st.cache_data(max_entries=32, show_spinner=False)
def _how_long(name: str, model: str, key: tuple[Hashable, ...]) -> str:
    """The estimated time at the measured speed."""
    todo, rate = state.workbench().encoder_work(state.opened(model))
    if not rate:
        return f"{formatting.count(todo, 'encoding')}; the time is estimated while it runs."
    minutes = todo / rate / 60
    span = f"{minutes:.0f} minutes" if minutes > 1.5 else "a minute" if minutes > 0.5 else "seconds"
    return (
        f"About {span}: {formatting.count(todo, 'encoding')} at {rate:,.0f} per second, as "
        "measured last time. Runs in the background; can be cancelled and resumed."
    )


def _report(model: str) -> EncoderReport | None:
    return state.workbench().saved_encoder_report(state.opened(model))
