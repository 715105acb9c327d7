"""What is on screen: the collection, its vectors and results, each read once.

Results are cached by `space.key`: the same key, the same numbers; by `items_key` where names or
attributes count too. The names under which a tab remembers values (`session`) are listed here.
"""

import gc
import os
from collections.abc import Sequence
from threading import Thread
from typing import Any

import streamlit as st

from core.search import SearchResult
from core.types import Finding, Item, Query, Space
from core.workbench import Card, EncodedCollection, Workbench, tasks
from pages.parts import session

COLLECTION = "collection"
ENCODER = "encoder"
TEXT = "q"
ALSO = "also"
PICTURE = "picture"
WEIGHT = "weight"
HISTORY = "history"
PAGE = "page"
UPLOADS = "uploads"
VIEWED = "viewed"
AMONG = "among"
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
    return session.kept(COLLECTION, "")


def stamp() -> tuple[str, ...]:
    """Changes when any process has changed the collection on screen, or which ones there are."""
    names, here = workbench().names(), collection()
    return (*names, workbench().version(here) if here in names else "")


def encoder() -> str | None:
    """The encoder on screen; None is the collection's first."""
    return session.kept(ENCODER, "") or None


def opened(model: str | None = None) -> EncodedCollection:
    """The collection on screen with the vectors of an encoder; the one on screen without."""
    return workbench().open(collection(), model or encoder())


def space() -> Space:
    """The vectors on screen: resident, shared, never copied."""
    return opened().space


def items_key() -> str:
    """A key for what hangs on names, attributes or words too, which are no part of a space's."""
    here = opened()
    return f"{here.version} {here.space.key}"


def search(query: Query) -> SearchResult:
    """The results of a query on the collection on screen, cached until somebody writes to it."""
    here = opened()
    key = f"{items_key()} {query.key}"
    if query.first_stage or query.rerank:
        key += f" {workbench().tokens_version(here)}"
    result = _result(key, query, here)
    if any(not part.item for part in query.parts):
        _encoder_answered(_home(), collection(), encoder())["yes"] = True
    return result


@st.cache_data(max_entries=64, show_spinner=False)
def _result(key: str, _query: Query, _opened: EncodedCollection) -> SearchResult:
    return workbench().search(_opened, _query)


def measured(name: str, of: Space | None = None) -> tuple[tuple[Finding, ...], str]:
    """The findings of a diagnostic, and what it lacks; computed once per state of the vectors.

    Args:
        name: which.
        of: the space to measure; the one on screen without.
    """
    here = of or space()
    return _measured(here.key, name, here)


@st.cache_data(max_entries=512, show_spinner=False)
def _measured(key: str, name: str, _space: Space) -> tuple[tuple[Finding, ...], str]:
    findings, lacks = workbench().measure(_space, [name])
    return findings, lacks.get(name, "")


def items(ids: Sequence[str]) -> dict[str, Item]:
    """Items of the collection on screen by id."""
    return {item.id: item for item in workbench().items(collection(), tuple(ids))}


def captions(ids: Sequence[str]) -> dict[str, str]:
    """The first caption of each picture that has one, by the picture's id."""
    first = first_texts(ids)
    texts = items(tuple(first.values()))
    return {id_: texts[text].text for id_, text in first.items()}


def first_texts(ids: Sequence[str]) -> dict[str, str]:
    """The id of the first caption of each picture that has one, by the picture's id."""
    here = space()
    rows = [here.row.get(id_, here.n) for id_ in ids]
    places = here.pairs[:, 0].searchsorted(rows).tolist()  # pairs are sorted by their pictures
    return {
        id_: here.ids[here.pairs[at, 1]]
        for id_, row, at in zip(ids, rows, places, strict=True)
        if at < len(here.pairs) and here.pairs[at, 0] == row
    }


def examples(n: int) -> tuple[str, ...]:
    """Ids of n pictures spread over the collection on screen; of texts where it has no pictures."""
    here = space()
    many = here.n_images or here.n
    return here.ids[: many : max(many // n, 1)][:n]


def ready() -> bool:
    """Whether an encoder has answered in this process: the next query need not load it."""
    return _encoder_answered(_home(), collection(), encoder())["yes"]


def settle() -> None:
    """Tell Python's garbage collector, once an encoder has answered, to leave alone what is there.

    Streamlit collects garbage after every run, and looking through all that is loaded holds
    everything up for as long as drawing the page took. Once in this process: nearly all of it are
    libraries, and cycles that are alive at that time are never freed.
    """
    if ready():
        _settled()


@st.cache_resource(show_spinner=False)
def _settled() -> None:
    gc.collect()
    gc.freeze()


def warm() -> None:
    """Load what the first question in words needs, beside the page, once in this process."""
    if not ready():
        _warmed(_home(), collection(), encoder())


@st.cache_resource(show_spinner=False)
def _warmed(home: str, name: str, model: str | None) -> Thread:
    bench, answered = _workbench(home), _encoder_answered(home, name, model)

    def work() -> None:
        tasks.warm_search(bench, name, model)
        answered["yes"] = True

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


@st.cache_resource(show_spinner=False)
def _encoder_answered(home: str, name: str, model: str | None) -> dict[str, bool]:
    return {"yes": False}


def shown_picture(data: bytes, name: str) -> Any:
    """A picture file as browsers can show it: upright and RGB, whatever it was.

    Raises:
        UnreadableFile: it is no picture, or only a part of one.
    """
    return workbench().readable_image(data, name)


def build_demo() -> None:
    """Start the job that builds the demo collection, unless it runs."""
    tasks.start(workbench(), "build_demo", "Building the demo collection", name="demo")


def thumbnails(ids: Sequence[str]) -> dict[str, bytes]:
    """Small pictures (WebP) of the collection on screen by id."""
    return workbench().thumbnails(collection(), tuple(ids))


def selected() -> tuple[str, ...]:
    """Ids that were selected last and are still there."""
    rows = space().row
    return tuple(id_ for id_ in session.kept("map_selected", ()) if id_ in rows)
