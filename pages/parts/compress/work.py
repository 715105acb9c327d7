"""The jobs behind the page: ways one after the other, and studies that a button starts."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from core.workbench import Job, Lab, tasks
from pages.parts import formatting, jobs, session, state

VERB = "compress"
PATIENCE_S = 2.0  # until the progress of a job is shown
T = TypeVar("T")


def measured(names: Sequence[str], level: float) -> Lab | None:
    """What the ways cost; None while it is computed, and where that was cancelled or failed."""
    bench, opened, only = state.workbench(), state.opened(), list(names)
    if not bench.known_ways(opened, names):
        job = _latest(VERB, only=only)
        if job is None:
            job = _start(VERB, f"Measuring compression of {state.collection()}", only=only)
            _cancel_other(job)
            with st.spinner("Measuring bytes and recall…"):
                job.wait(PATIENCE_S)
        if not _done(job):
            return None
    return bench.compress(opened, only=names, recall=level)


def asked(verb: str, title: str, known: Callable[[], T | None]) -> T | None:
    """What a study found; None until its button was clicked and it is done.

    Args:
        verb: the long verb that computes it.
        title: of the job.
        known: the result where it was computed lately.
    """
    found = known()
    if found is not None:
        return found
    job = _latest(verb)
    if job is None:
        slot = st.empty()
        if not slot.button("Measure", icon=":material/play_arrow:", key=f"_measure_{verb}"):
            return None
        slot.empty()
        job = _start(verb, title)
        with st.spinner("Measuring…"):
            job.wait(PATIENCE_S)
    return known() if _done(job) else None


def _latest(verb: str, **more: Any) -> Job | None:
    """The latest job for this, unless its result is gone."""
    job = state.workbench().jobs.latest(verb, _arguments(more))
    return None if job is None or job.state in ("done", "interrupted") else job


def _start(verb: str, title: str, **more: Any) -> Job:
    return tasks.start(state.workbench(), verb, title, **_arguments(more))


def _arguments(more: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": state.collection(), "encoder": state.encoder(), "recipe": state.recipe(),
        "key": state.opened().space.key, **more,
    }  # fmt: skip


def _done(job: Job) -> bool:
    """Whether a job is done; draws its progress, or why it ended before."""
    if job.state == "running":
        jobs.awaited(job)
    elif job.state != "done" and job.traceback:
        jobs.one(job)
    elif job.state != "done":
        said = "Cancelled." if job.state == "cancelled" else formatting.plain(job.error)
        st.warning(said, icon=":material/info:")
        if st.button("Run it again", icon=":material/play_arrow:", key=f"_again_{job.verb}"):
            state.workbench().jobs.forget(job.id)
            st.rerun()
    return job.state == "done"


def _cancel_other(job: Job) -> None:
    """Stop what this session asked for before: its result is not wanted any more."""
    bench, last = state.workbench(), session.get(state.COMPRESS_JOB, "")
    for other in bench.jobs.all():
        if other.id == last and last != job.id:
            other.cancel()
    session.store(state.COMPRESS_JOB, job.id)
