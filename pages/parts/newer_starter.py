"""A collection that an earlier starter encoded: what works, and one click to encode it again."""

import streamlit as st

from core.workbench import tasks
from pages.parts import formatting, state

VERB = "encode_again"
EARLIER = (
    "This collection was encoded by an earlier version of the starter. Searching by item, the map "
    "and all measurements use its vectors; searching by text or image needs the newer version's."
)
RUNNING = (
    "The newer version of the starter is encoding this collection. Until it is done, everything "
    "but searching by text or image works with the vectors of the earlier one."
)


def offer() -> None:
    """Say so above the page, with a button that encodes the collection again, or cancels that."""
    bench, name = state.workbench(), state.collection()
    if not name or not bench.outdated(name):
        return
    job = bench.jobs.latest(VERB, {"name": name})
    running = job is not None and job.state == "running"
    with st.container(
        key="newer_starter", horizontal=True, vertical_alignment="center", gap="small"
    ):
        failed = job.error if job and job.state == "failed" else ""
        st.markdown(formatting.plain(failed) or (RUNNING if running else EARLIER), width="stretch")
        if running and st.button("Cancel", key="_newer_starter_cancel"):
            job.cancel()
        elif not running and st.button("Encode again", key="_newer_starter", type="primary"):
            tasks.start(bench, VERB, f"Encode '{name}' again", name=name)
            st.rerun()
