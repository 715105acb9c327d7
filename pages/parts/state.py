"""What outlives a page or a run, and nothing else touches the session.

Three lifetimes:

- one per process: the workbench, and results cached by `space.key`;
- one per browser tab: the collection, the encoder, and the values given to `linked` and `keep`;
- one per link: what `linked` writes to the address, so that a copied link opens the same screen.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from core.types import Finding, Item, Space
from core.workbench import Workbench

T = TypeVar("T")

COLLECTION = "collection"
ENCODER = "encoder"
QUERY_IMAGE = "query_image"
VIEWED = "viewed"


def workbench() -> Workbench:
    """The one door to everything below the pages; shared by all tabs."""
    return _workbench(os.environ.get("SEXTANT_HOME", ""))


@st.cache_resource(show_spinner=False)
def _workbench(home: str) -> Workbench:
    return Workbench(home or None)


def collection() -> str:
    """The collection on screen, "" while there is none."""
    return kept(COLLECTION, "")


def encoder() -> str | None:
    """The encoder on screen; None is the collection's first."""
    return kept(ENCODER, None) or None


def space() -> Space:
    """The vectors on screen: resident, shared, never copied."""
    return workbench().space(collection(), encoder())


def kept(name: str, default: T) -> T:
    """A value this tab remembers across pages."""
    value: T = st.session_state.get(f"kept_{name}", default)
    return value


def keep(name: str, value: object) -> None:
    """Remember a value across pages."""
    st.session_state[f"kept_{name}"] = value


def linked(name: str, default: T, widget: Callable[..., Any], *args: Any, **settings: Any) -> T:
    """A widget whose value is part of the page's link and is remembered across pages.

    Args:
        name: the name in the address, `?name=value`; the widget's key is `_name`.
        default: shown on a first visit and left out of the address; gives the value's type
            (str, int, float, bool or a tuple of str).
        widget: such as `st.text_input`.
        *args: passed to the widget.
        **settings: passed to the widget, with `key`.
    """
    key = f"_{name}"
    at_hand = st.query_params.get_all(name) if name in st.query_params else None
    written = st.session_state.get(f"written_{name}")
    if at_hand is not None and at_hand != written:
        st.session_state[key] = _widget_value(_parse(at_hand, default))
    elif key not in st.session_state:
        st.session_state[key] = _widget_value(kept(name, default))
    value = widget(*args, key=key, **settings)
    value = tuple(value) if isinstance(default, tuple) else value
    put(name, default if value is None else value, default)
    return default if value is None else value


def put(name: str, value: Any, default: Any = "") -> None:
    """Write a value into the link and remember it; the default is left out of the link."""
    keep(name, value)
    text = [str(v) for v in value] if isinstance(value, tuple) else [_text(value)]
    st.session_state[f"written_{name}"] = None if value == default else text
    if value != default:
        if st.query_params.get_all(name) != text:
            st.query_params[name] = text
    elif name in st.query_params:
        del st.query_params[name]


def set_linked(name: str, value: Any) -> None:
    """Change a linked widget from a callback (before the widget is drawn again)."""
    st.session_state[f"_{name}"] = _widget_value(value)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _parse(texts: Sequence[str], default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(texts)
    if isinstance(default, bool):
        return texts[-1] not in ("", "0", "false")
    if isinstance(default, int | float):
        number = texts[-1].removeprefix("-").replace(".", "", 1)
        return type(default)(float(texts[-1])) if number.isdecimal() else default
    return texts[-1]


def _widget_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def findings(*names: str, collection: str, encoder: str | None = None) -> tuple[Finding, ...]:
    """Diagnostics by name, one measurement each per state of the vectors."""
    key = workbench().space(collection, encoder).key
    home = os.environ.get("SEXTANT_HOME", "")
    return tuple(f for n in names for f in _findings(key, n, home, collection, encoder))


@st.cache_data(max_entries=512, show_spinner=False)
def _findings(
    key: str, name: str, _home: str, _collection: str, _encoder: str | None
) -> tuple[Finding, ...]:
    return _workbench(_home).diagnose(_collection, only=(name,), encoder=_encoder)


def items(ids: Sequence[str]) -> dict[str, Item]:
    """Items of the collection on screen by id."""
    return {item.id: item for item in workbench().items(collection(), tuple(ids))}


def thumbnails(ids: Sequence[str]) -> dict[str, bytes]:
    """Small pictures (WebP) of the collection on screen by id."""
    return workbench().thumbnails(collection(), tuple(ids))
