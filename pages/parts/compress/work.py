"""The job behind the page: ways measured one after the other, with progress and Cancel."""

from collections.abc import Sequence

import streamlit as st

from core.workbench import Job, Lab, tasks
from pages.parts import formatting, jobs, session, state

VERB = "compress"
PATIENCE_S = 2.0  # until the progress of a job is shown


def measured(names: Sequence[str], level: float) -> Lab | None:
    """What the ways cost; None while it is computed, and where that was cancelled or failed."""
    bench, opened = state.workbench(), state.opened()
    if bench.known_ways(opened, names):
        return bench.compress(opened, only=names, recall=level)
    arguments = {
        "name": state.collection(), "encoder": state.encoder(), "recipe": state.recipe(),
        "key": opened.space.key, "only": list(names),
    }  # fmt: skip
    job = bench.jobs.latest(VERB, arguments)
    if job is None or job.state in ("done", "interrupted"):
        job = tasks.start(bench, VERB, f"Compressing {state.collection()}", **arguments)
        _cancel_other(job)
        with st.spinner("Measuring bytes and recall…"):
            job.wait(PATIENCE_S)
    if job.state == "running":
        jobs.awaited(job)
        return None
    if job.state == "done":
        return bench.compress(opened, only=names, recall=level)
    if job.traceback:
        jobs.one(job)
        return None
    said = "Cancelled." if job.state == "cancelled" else formatting.plain(job.error)
    st.warning(said, icon=":material/info:")
    if st.button("Run it again", icon=":material/play_arrow:", key="_run_again"):
        bench.jobs.forget(job.id)
        st.rerun()
    return None


def _cancel_other(job: Job) -> None:
    """Stop what this session asked for before: its result is not wanted any more."""
    bench, last = state.workbench(), session.get(state.COMPRESS_JOB, "")
    for other in bench.jobs.all():
        if other.id == last and last != job.id:
            other.cancel()
    session.store(state.COMPRESS_JOB, job.id)
