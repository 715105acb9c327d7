"""Session state and query parameters of a browser tab; nothing else touches either.

A value lives in one of three places:

- for one run: widgets, whose keys start with `_`;
- for the session of a tab, across pages: what `store`, `linked` and `write` are given;
- in the address: what `linked` and `write` put there, so that a copied link opens the same screen.

After Back and Forward the address decides: a name that it lacks has its default. Otherwise a name
in it decides unless this session wrote it, and the session decides about the names it lacks, as
after a click on another page.

`bind="query-params"` of Streamlit's widgets does not replace `linked`: it writes the label of an
option to the address instead of its value, and `st.query_params` may not set a bound name.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from inspect import signature
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

T = TypeVar("T")


def get(name: str, default: T) -> T:
    """A value stored in this session."""
    value: T = st.session_state.get(f"stored_{name}", default)
    return value


def store(name: str, value: object) -> None:
    """Store a value in this session; it outlives a change of page."""
    st.session_state[f"stored_{name}"] = value


def take(name: str, default: T) -> T:
    """A value stored in this session, which is removed."""
    value: T = st.session_state.pop(f"stored_{name}", default)
    return value


def linked(
    name: str,
    default: T,
    widget: Callable[..., Any],
    *args: Any,
    among: Sequence[Any] | None = None,
    **settings: Any,
) -> T:
    """A widget whose value is part of the page's link and is remembered across pages.

    Args:
        name: the name in the address, `?name=value`; the widget's key is `_name`.
        default: the value on a first visit, left out of the address; its type is the value's type
            (str, int, float, bool, or a tuple of one of them).
        widget: such as `st.text_input`.
        *args: passed to the widget.
        among: allowed values; for any other value in a link the default is used.
        **settings: passed to the widget, with `key`.
    """
    key = f"_{name}"
    if f"preset_{name}" in st.session_state:
        st.session_state[key] = _widget_value(st.session_state.pop(f"preset_{name}"))
    elif _changed_outside(name) or key not in st.session_state:
        value = read(name, default)
        st.session_state[key] = _widget_value(value if _allowed(value, among) else default)
    elif not _allowed(st.session_state[key], among):
        st.session_state[key] = _widget_value(default)  # the allowed values have changed
    else:
        settings |= _initial(widget, args, st.session_state[key])
    value = widget(*args, key=key, **settings)
    if isinstance(default, tuple):
        value = tuple(value)
    write(name, default if value is None else value, default)
    return default if value is None else value


def _initial(widget: Callable[..., Any], args: Sequence[Any], value: Any) -> dict[str, Any]:
    """The argument that gives a widget its value, in runs that do not set it by its key.

    The browser makes the widgets of a closed popover when it is opened: what an earlier run set is
    lost by then, and they showed their defaults.
    """
    takes = _parameters(widget)
    if "value" in takes:
        return {"value": value}
    options = list(args[1])
    if "index" in takes:
        return {"index": options.index(value)} if value in options else {}
    if isinstance(value, list):
        return {"default": [v for v in value if v in options]}
    return {"default": value} if value in options else {}


@cache
def _parameters(widget: Callable[..., Any]) -> frozenset[str]:
    return frozenset(signature(widget).parameters)


def peek(name: str, default: T) -> T:
    """The value a linked widget will have, before it is drawn."""
    key = f"_{name}"
    for source in (f"preset_{name}", *([] if _changed_outside(name) else [key])):
        if source in st.session_state:
            value: T = st.session_state[source]
            return value
    return read(name, default)


def read(name: str, default: T) -> T:
    """The value of a name in the link, else the one stored in this session."""
    here = st.query_params.get_all(name)
    if f"stored_{name}" in st.session_state and not _changed_outside(name):
        return get(name, default)
    value: T = _parse(here, default) if here else default
    return value


def write(name: str, value: Any, default: Any = "") -> None:
    """Store a value in the session and in the link; the default is left out of the link."""
    store(name, value)
    text = [] if value == default else _texts(value)
    st.session_state[f"written_{name}"] = text
    if text and st.query_params.get_all(name) != text:
        st.query_params[name] = text
    elif not text and name in st.query_params:
        del st.query_params[name]


def forget(*names: str) -> None:
    """Delete values from the session and from the link."""
    for name in names:
        for key in (f"stored_{name}", f"written_{name}", f"_{name}"):
            st.session_state.pop(key, None)
        st.query_params.pop(name, None)


def open_link(name: str, texts: Sequence[str]) -> None:
    """Set a name as if a link with these values were opened; without values, to its default."""
    forget(name)
    if texts:
        st.query_params[name] = list(texts)


def reserve(place: DeltaGenerator) -> None:
    """Keep a place outside of a fragment, where it has nothing to write in this run.

    A fragment may write only where it did in the last run of the whole page.
    """
    if not _in_fragment():
        place.container()


def preset(name: str, value: Any) -> None:
    """Set the value of a linked widget for the next time it is drawn."""
    st.session_state[f"preset_{name}"] = value


def value_of(key: str) -> Any:
    """The current value of the widget with this key; for callbacks."""
    return st.session_state.get(key)


def sent(key: str, name: str) -> Any:
    """What a component or a table has sent under a name; for callbacks.

    None where it has sent nothing, or where another run has meanwhile drawn a page without it.
    """
    return (value_of(key) or {}).get(name)


def set_widget(key: str, value: Any) -> None:
    """Set the value of the widget with this key, before it is drawn in this run."""
    st.session_state[key] = value


def _changed_outside(name: str) -> bool:
    """Whether the address was edited, or a link, Back or Forward was followed.

    Not in the run of a fragment: no link leads there, and while somebody types the address it is
    run with may be older than the last one written.
    """
    run, here = get_script_run_ctx(), st.query_params.get_all(name)
    if run is None or _in_fragment():
        return False
    return (bool(here) or run.is_history_navigation) and here != st.session_state.get(
        f"written_{name}", []
    )


def _in_fragment() -> bool:
    """Whether only a fragment of the page runs."""
    run = get_script_run_ctx()
    return run is not None and bool(run.fragment_ids_this_run)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [str(int(v)) if isinstance(v, bool) else str(v) for v in values]


def _allowed(value: Any, among: Sequence[Any] | None) -> bool:
    """Whether a value, or each of several, is allowed."""
    values = value if isinstance(value, tuple | list) else (value,)
    return among is None or all(v in among for v in values)


def _parse(texts: Sequence[str], default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(_parse([t], default[0] if default else "") for t in texts)
    text = texts[-1]
    if isinstance(default, bool):
        return text not in ("", "0", "false")
    if isinstance(default, int | float):
        try:
            number = float(text)
        except ValueError:
            return default
        if not math.isfinite(number):
            return default
        exact = isinstance(default, int) and text.strip("+-").isdecimal()
        return int(text) if exact else type(default)(number)
    return text


def _widget_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
