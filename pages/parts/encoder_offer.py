"""What the starter can do, and a real CLIP model in one click where the hub is reachable."""

import streamlit as st

from core.workbench import DEFAULT_ENCODER, EncoderSuggestion
from pages.parts import formatting, jobs, problems, state

CLIP = "ViT-B-32/datacomp_xl_s13b_b90k"
CAN = (
    "**starter**, the built-in encoder, finds everyday things in photographs and drawings: "
    "animals, food, vehicles, people and what they do. It reads no text in images, does not count, "
    "and knows little of art, charts and places."
)
NO_HUB = (
    "The model hub is not reachable from here; an OpenCLIP model in a folder of this computer can "
    "be added on the Collections page."
)


@st.fragment
@problems.guarded
def for_demo() -> None:
    """On a first visit: the demo with a CLIP model."""
    found = _clip()
    with st.container(key="offer", horizontal_alignment="center", gap="small"):
        st.caption(CAN if found else f"{CAN} {NO_HUB}", width=640, text_alignment="center")
        if found and st.button(_label("Build the demo with", found), key="_demo_clip"):
            state.build_demo(found.name)
            st.rerun()


@st.fragment
@problems.guarded
def for_collection() -> None:
    """On a collection that only the starter has encoded: encode it with a CLIP model too."""
    here = state.collection()
    if state.workbench().encoders(here) != (DEFAULT_ENCODER,) or jobs.busy(here):
        return
    found = _clip()
    st.caption(CAN if found else f"{CAN} {NO_HUB}")
    if found and st.button(_label("Encode with", found), key="_encode_clip"):
        state.add_encoder(here, found.name)
        st.rerun()


def _label(verb: str, found: EncoderSuggestion) -> str:
    return f"{verb} {formatting.plain(found.name.split('/')[0])} ({found.megabytes:,} MB)"


def _clip() -> EncoderSuggestion | None:
    """The usual CLIP model, if it can be downloaded."""
    return next((s for s in state.encoder_suggestions() if s.name == CLIP), None)
