"""Background jobs on a page: progress, cancel, resume."""

import streamlit as st

from core.workbench import Job, tasks
from pages.parts import encoder_steps, formatting, problems, state

ICONS = {
    "running": ":material/progress_activity:",
    "interrupted": ":material/pause_circle:",
    "cancelled": ":material/cancel:",
    "failed": ":material/error:",
    "done": ":material/check_circle:",  # a job may end while it is drawn
}


def panel() -> None:
    """Running jobs and those that did not finish, with their actions."""
    jobs = [job for job in state.workbench().jobs.all() if job.state != "done"]
    if jobs:
        running = {job.id for job in jobs if job.state == "running"}
        st.fragment(problems.guarded(_panel), run_every=1.0 if running else None)(running)


def one(job: Job) -> None:
    """One unfinished job; updated every second while it is running."""
    id_, was = job.id, job.state

    def show() -> None:
        now = state.workbench().jobs.get(id_)
        if was == "running" and now.state == "done":
            st.rerun()
        _job(now)

    st.fragment(problems.guarded(show), run_every=1.0 if job.state == "running" else None)()


def awaited(job: Job) -> None:
    """A job that the page needs: its progress, with Cancel; at its end the page is drawn again."""
    id_ = job.id

    def show() -> None:
        now = state.workbench().jobs.get(id_)
        if now.state != "running":
            st.rerun()
        _job(now)

    st.fragment(problems.guarded(show), run_every=0.5)()


def busy(name: str) -> bool:
    """Whether a job is running on a collection."""
    return any(
        job.state == "running" and job.arguments.get("name") == name
        for job in state.workbench().jobs.all()
    )


def filling(name: str) -> bool:
    """Whether a job is adding items or vectors to a collection."""
    return any(
        job.state == "running"
        and job.arguments.get("name") == name
        and job.verb in tasks.NEW_VECTORS
        for job in state.workbench().jobs.all()
    )


def _panel(running: set[str]) -> None:
    """The jobs; when one that was running has ended, the whole page is drawn again."""
    if running - {job.id for job in state.workbench().jobs.all() if job.state == "running"}:
        st.rerun()
    jobs = [job for job in state.workbench().jobs.all() if job.state != "done"]
    ended = [job for job in jobs if job.state != "running"]
    with st.container(key="jobs", gap="small"):
        for job in jobs:
            _job(job)
        if len(ended) > 1 and st.button("Dismiss all", key="_dismiss_all", type="tertiary"):
            for job in ended:
                tasks.dismiss(state.workbench(), job)
            st.rerun()


def _job(job: Job) -> None:
    with st.container(border=True, key=f"_job_{job.id}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            ended = "" if job.state in ("running", "done") else f"{job.state.capitalize()}: "
            title = f"{ICONS[job.state]} **{ended}{formatting.plain(job.title)}**"
            st.markdown(title, width="stretch")
            _actions(job)
        if job.state == "running":
            st.progress(min(job.done / job.total, 1.0) if job.total else 0.0)
        st.caption(formatting.plain(job.sentence))
        for line in encoder_steps.lines() if job.state == "running" else ():
            st.caption(line)
        if job.traceback:
            with st.expander("Details for a bug report", type="compact"):
                st.code(job.traceback, language=None)


def _actions(job: Job) -> None:
    if job.state == "running":
        st.button(
            "Cancel", key=f"_cancel_{job.id}", type="tertiary", on_click=job.cancel,
            disabled=job.cancelling,
        )  # fmt: skip
        return
    if job.state == "done":
        return
    label = "Try again" if job.state == "failed" else "Resume"
    if tasks.can_resume(state.workbench(), job) and st.button(
        label, key=f"_resume_{job.id}", icon=":material/play_arrow:"
    ):
        with problems.shown():
            tasks.resume(state.workbench(), job)
            st.rerun()
    if st.button("Dismiss", key=f"_dismiss_{job.id}", type="tertiary"):
        tasks.dismiss(state.workbench(), job)
        st.rerun()
