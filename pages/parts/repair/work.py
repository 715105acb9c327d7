"""The job behind the page: a fit or a suggestion, with progress and Cancel where it takes long."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.improve import Step
from core.workbench import Job, Repaired, tasks
from pages.parts import formatting, jobs, session, state

SECONDS = 20.0  # of the comparison behind a suggestion
SUGGEST = "suggest_repair"
PATIENCE_S = 2.0  # until the progress of a job is shown


def measured(steps: Sequence[Step]) -> Repaired | None:
    """What a recipe does; None while it is computed, and where that was cancelled or failed."""
    bench, opened = state.workbench(), state.as_encoded()
    known = bench.known_repair(opened, steps)
    if known:
        return known
    words = ",".join(map(str, steps)) or "none"
    title = "Measuring repairs of"  # nothing stored changes
    return _result(lambda: bench.known_repair(opened, steps), "repair", title, steps=words)


def suggested() -> Repaired | None:
    """The best recipe of the grid; None as in `measured`."""
    bench, opened = state.workbench(), state.as_encoded()
    known = bench.known_suggestion(opened)
    if known:
        return known
    title = "Suggesting a repair of"
    return _result(lambda: bench.known_suggestion(opened), SUGGEST, title, seconds=SECONDS)


def _result(
    known: Callable[[], Repaired | None], verb: str, title: str, **more: Any
) -> Repaired | None:
    bench, name = state.workbench(), state.collection()
    arguments = {
        "name": name, "encoder": state.encoder(), "key": state.as_encoded().space.key, **more
    }  # fmt: skip
    job, mine = bench.jobs.latest(verb, arguments), session.get(state.REPAIR_JOB, "")
    # One that was cancelled because another took its place was not cancelled by the user.
    replaced = job is not None and job.state == "cancelled" and job.id != mine
    begun = job is not None and not replaced and job.state not in ("done", "interrupted")
    if job is None or not begun:
        job = tasks.start(bench, verb, f"{title} {name}", **arguments)
    _cancel_other(job)
    if not begun:
        with st.spinner("Fitting on some pairs, judging on the others…"):
            job.wait(PATIENCE_S)
    if job.state == "running":
        jobs.awaited(job)
        return None
    if job.state == "done":
        return known()
    _ended_early(job)
    return None


def _cancel_other(job: Job) -> None:
    """Stop what this session asked for before: its result is not wanted any more."""
    last = session.get(state.REPAIR_JOB, "")
    if last == job.id:
        return
    for other in state.workbench().jobs.all():
        if other.id == last:
            other.cancel()
    session.store(state.REPAIR_JOB, job.id)


def _ended_early(job: Job) -> None:
    """Say so; a suggestion is not asked for any more, a fit can be run again."""
    bench, suggestion, cancelled = state.workbench(), job.verb == SUGGEST, job.state == "cancelled"
    if suggestion:
        session.store(state.SUGGESTING, False)
    if job.traceback:
        jobs.one(job)
        return
    if suggestion and cancelled:
        bench.jobs.forget(job.id)
        st.toast("The suggestion was cancelled.")
        st.rerun()
    st.warning("Cancelled." if cancelled else formatting.plain(job.error), icon=":material/info:")
    if not suggestion and st.button("Run it again", icon=":material/play_arrow:", key="_run_again"):
        bench.jobs.forget(job.id)
        st.rerun()
