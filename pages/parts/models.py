"""Choosing an encoder: the bundled one, a short list where the hub answers, or any by name."""

import streamlit as st

from core.encoders.hub import SUGGESTIONS, Suggestion, reachable
from pages.parts import words

HELP = (
    "Any OpenCLIP model can be typed in: `model/pretrained`, `hf-hub:owner/model`, "
    "`local-dir:folder`.\n\n"
) + "\n".join(f"- **{words.plain(s.name)}**: {s.note}" for s in SUGGESTIONS)


def choose(label: str, *, key: str, placeholder: str) -> str | None:
    """A select box that also takes a typed name; None when nothing was chosen."""
    online = _hub()
    offered = {s.name: _title(s) for s in SUGGESTIONS if online or not s.megabytes}
    chosen: str | None = st.selectbox(
        label,
        list(offered),
        index=None,
        accept_new_options=True,
        format_func=lambda name: offered.get(name, name),
        key=key,
        placeholder=placeholder,
        help=HELP,
    )
    if not online:
        st.caption("The model hub cannot be reached: starter, or a model on this computer.")
    return chosen


def _title(suggestion: Suggestion) -> str:
    if not suggestion.megabytes:
        return f"{suggestion.name}, built in"
    return f"{suggestion.name}, {suggestion.megabytes:,} MB"


@st.cache_data(ttl=600, show_spinner=False)
def _hub() -> bool:
    return reachable(1.0)
