"""What outlives a page or a run, and nothing else touches the session.

Three lifetimes:

- one per process: the workbench, and results cached by `space.key`;
- one per browser tab: values given to `keep`, `linked` and `put`;
- one per link: what `linked` and `put` write to the address, so that a copied link opens the same
  screen.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from core.search import Answer
from core.types import Finding, Item, Query, Space, digest
from core.workbench import Card, Workbench

T = TypeVar("T")

COLLECTION = "collection"
ENCODER = "encoder"
TEXT = "q"
ITEM = "item"
PICTURE = "picture"
PAGE = "page"
VIEWED = "viewed"
ASKED = "asked"


def workbench() -> Workbench:
    """The one door to everything below the pages; shared by all tabs."""
    return _workbench(_home())


def _home() -> str:
    return os.environ.get("SEXTANT_HOME", "")


@st.cache_resource(show_spinner=False)
def _workbench(home: str) -> Workbench:
    return Workbench(home or None)


def card() -> Card | None:
    """The collection on screen at a glance; None while there is none."""
    return workbench().card(collection()) if collection() else None


def collection() -> str:
    """The name of the collection on screen, "" while there is none."""
    return kept(COLLECTION, "")


def encoder() -> str | None:
    """The encoder on screen; None is the collection's first."""
    return kept(ENCODER, "") or None


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
        among: values that a link may name; any other gives the default.
        **settings: passed to the widget, with `key`.
    """
    key = f"_{name}"
    if _changed_outside(name) or key not in st.session_state:
        seed = recall(name, default)
        seed = default if among is not None and seed not in among else seed
        st.session_state[key] = _widget_value(seed)
    value = widget(*args, key=key, **settings)
    if isinstance(default, tuple):
        value = tuple(value)
    put(name, default if value is None else value, default)
    return default if value is None else value


def peek(name: str, default: T) -> T:
    """The value a linked widget will have, before it is drawn."""
    key = f"_{name}"
    if key in st.session_state and not _changed_outside(name):
        value: T = st.session_state[key]
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


def turn(name: str, value: Any) -> None:
    """Give a linked widget another value: from a callback, or before it is drawn."""
    st.session_state[f"_{name}"] = _widget_value(value)


def value_of(key: str) -> Any:
    """What the widget or component with this key holds now; for callbacks."""
    return st.session_state.get(key)


def _changed_outside(name: str) -> bool:
    """Whether the address was edited, or a link or the back button was followed."""
    here = st.query_params.get_all(name)
    return bool(here) and here != st.session_state.get(f"written_{name}")


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, tuple) else (value,)
    return [str(int(v)) if isinstance(v, bool) else str(v) for v in values]


def _parse(texts: Sequence[str], default: Any) -> Any:
    if isinstance(default, tuple):
        return tuple(_parse([t], default[0] if default else "") for t in texts)
    text = texts[-1]
    if isinstance(default, bool):
        return text not in ("", "0", "false")
    if isinstance(default, int | float):
        number = text.removeprefix("-").replace(".", "", 1)
        return type(default)(float(text)) if number.isdecimal() else default
    return text


def _widget_value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def ask(query: Query) -> Answer:
    """The answer to a query on the collection on screen, once per query and state of vectors."""
    name, model = collection(), encoder()
    asked = digest(query.image, repr((query.text, query.item, query.kinds, query.filters)))
    key = f"{workbench().space(name, model).key} {asked} {query.start} {query.k}"
    return _answer(key, query, _home(), name, model)


@st.cache_data(max_entries=64, show_spinner=False)
def _answer(key: str, _query: Query, _home: str, _name: str, _model: str | None) -> Answer:
    return _workbench(_home).search(_name, _query, encoder=_model)


def findings(*names: str) -> tuple[Finding, ...]:
    """Diagnostics of the collection on screen, measured once per state of its vectors."""
    key, where = space().key, (_home(), collection(), encoder())
    return tuple(f for n in names for f in _findings(key, n, *where))


@st.cache_data(max_entries=512, show_spinner=False)
def _findings(
    key: str, name: str, _home: str, _collection: str, _encoder: str | None
) -> tuple[Finding, ...]:
    return _workbench(_home).diagnose(_collection, only=(name,), encoder=_encoder)


def items(ids: Sequence[str]) -> dict[str, Item]:
    """Items of the collection on screen by id."""
    return {item.id: item for item in workbench().items(collection(), tuple(ids))}


def captions(ids: Sequence[str]) -> dict[str, str]:
    """The first caption of each picture that has one, by the picture's id."""
    here, first = space(), {}
    for id_ in ids:
        row = here.row.get(id_, here.n)
        texts = here.pairs[here.pairs[:, 0] == row, 1] if row < here.n_images else ()
        if len(texts):
            first[id_] = here.ids[texts[0]]
    texts_by_id = items(tuple(first.values()))
    return {id_: texts_by_id[text].text for id_, text in first.items()}


def examples(n: int) -> tuple[str, ...]:
    """Ids of n pictures spread over the collection on screen; of texts where it has no pictures."""
    here = space()
    many = here.n_images or here.n
    return here.ids[: many : max(many // n, 1)][:n]


def ready() -> bool:
    """Whether an encoder has answered in this process: the next query need not load it."""
    return _answered(_home(), collection(), encoder())["yes"]


@st.cache_resource(show_spinner=False)
def _answered(_home: str, _name: str, _model: str | None) -> dict[str, bool]:
    return {"yes": False}


def build_demo() -> None:
    """Start the job that builds the demo collection, unless it runs."""
    work = workbench()
    work.jobs.start("Building the demo", work.build_demo, verb="build_demo", arguments={})


def thumbnails(ids: Sequence[str]) -> dict[str, bytes]:
    """Small pictures (WebP) of the collection on screen by id."""
    return workbench().thumbnails(collection(), tuple(ids))
