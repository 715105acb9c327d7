"""What a browser tab remembers and what its address says; nothing else touches the session.

Three lifetimes:

- one per run: widgets, whose keys start with `_`;
- one per tab: values given to `keep`, `linked` and `put`, which outlive a change of page;
- one per link: what `linked` and `put` write to the address, so that a copied link opens the same
  screen.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


def kept(name: str, default: T) -> T:
    """A value this tab remembers across pages."""
    value: T = st.session_state.get(f"kept_{name}", default)
    return value


def keep(name: str, value: object) -> None:
    """Remember a value across pages."""
    st.session_state[f"kept_{name}"] = value


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
        default: shown on a first visit and left out of the address; gives the value's type
            (str, int, float, bool, or a tuple of one of them).
        widget: such as `st.text_input`.
        *args: passed to the widget.
        among: what may be chosen; a link that names anything else gives the default.
        **settings: passed to the widget, with `key`.
    """
    key = f"_{name}"
    if f"turn_{name}" in st.session_state:
        st.session_state[key] = _widget_value(st.session_state.pop(f"turn_{name}"))
    elif _changed_outside(name) or key not in st.session_state:
        seed = recall(name, default)
        st.session_state[key] = _widget_value(seed if _allowed(seed, among) else default)
    elif not _allowed(st.session_state[key], among):
        st.session_state[key] = _widget_value(default)  # what may be chosen has changed
    value = widget(*args, key=key, **settings)
    if isinstance(default, tuple):
        value = tuple(value)
    put(name, default if value is None else value, default)
    return default if value is None else value


def peek(name: str, default: T) -> T:
    """The value a linked widget will have, before it is drawn."""
    key = f"_{name}"
    for held in (f"turn_{name}", *([] if _changed_outside(name) else [key])):
        if held in st.session_state:
            value: T = st.session_state[held]
            return value
    return recall(name, default)


def recall(name: str, default: T) -> T:
    """The value of a name in the link, else the one this tab remembers."""
    if name in st.query_params:
        value: T = _parse(st.query_params.get_all(name), default)
        return value
    return kept(name, default)


def put(name: str, value: Any, default: Any = "") -> None:
    """Remember a value and write it into the link; the default is left out of the link."""
    keep(name, value)
    text = [] if value == default else _texts(value)
    st.session_state[f"written_{name}"] = text
    if text and st.query_params.get_all(name) != text:
        st.query_params[name] = text
    elif not text and name in st.query_params:
        del st.query_params[name]


def forget(*names: str) -> None:
    """Drop values from memory and from the link."""
    for name in names:
        for key in (f"kept_{name}", f"written_{name}", f"_{name}"):
            st.session_state.pop(key, None)
        st.query_params.pop(name, None)


def follow(name: str, texts: Sequence[str]) -> None:
    """Give a name what a link says of it, as if that link were opened; nothing is the default."""
    forget(name)
    if texts:
        st.query_params[name] = list(texts)


def turn(name: str, value: Any) -> None:
    """Give a linked widget another value the next time it is drawn."""
    st.session_state[f"turn_{name}"] = value


def value_of(key: str) -> Any:
    """What the widget or component with this key holds now; for callbacks."""
    return st.session_state.get(key)


def set_widget(key: str, value: Any) -> None:
    """Give the widget with this key a value, before it is drawn in this run."""
    st.session_state[key] = value


def _changed_outside(name: str) -> bool:
    """Whether the address was edited, or a link or the back button was followed."""
    here = st.query_params.get_all(name)
    return bool(here) and here != st.session_state.get(f"written_{name}")


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [str(int(v)) if isinstance(v, bool) else str(v) for v in values]


def _allowed(value: Any, among: Sequence[Any] | None) -> bool:
    """Whether a value may be chosen; of several, all must be."""
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
        return type(default)(number) if math.isfinite(number) else default
    return text


def _widget_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
