"""The collection on screen, its vectors, results and measurements, each computed once.

Measurements are cached by `space.key` (the same key, the same numbers), search results by
`items_key`. The names under which a session stores values are listed here.
"""

import gc
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import streamlit as st

from core.errors import InputError
from core.search import SearchResult
from core.types import Filter, Finding, Item, Kind, Query, Space, SpaceCache
from core.workbench import (
    DEFAULT_ENCODER,
    Card,
    EncodedCollection,
    EncoderSuggestion,
    Preview,
    ReadOptions,
    StoredFindings,
    Workbench,
    tasks,
)
from pages.parts import session

COLLECTION = "collection"
ENCODER = "encoder"
RECIPE = "recipe"
TRIED, SUGGESTING, MOVED_QUERY, REPAIR_JOB = "tried", "suggesting", "moved_query", "repair_job"
COMPRESS_JOB, CHANGED_QUERY = "compress_job", "changed_query"
TEXT = "q"
ALSO = "also"
IMAGE, UPLOADED = "image", "uploaded"
WEIGHT = "weight"
HISTORY = "history"
PAGE = "page"
VIEWED = "viewed"
OPENED_FROM = "opened_from"
AMONG = "among"
MAP_CLUSTERED = "map_clustered"  # what clusters were found of, without being asked for
MAP_OPENED = "map_opened"  # id of the item that was last opened on the map
SELECTED = "map_selected"
PICKED = "picked"
LAST_QUERY = "last_query"
PARTS = 8  # of collections, whose findings stay in memory
_RESULTS = SpaceCache()  # Streamlit's caches keep a lock of every key for ever


@dataclass(frozen=True)
class Suspect:
    """A pair that another image fits better: ids, and P(the caption belongs elsewhere)."""

    text: str
    image: str
    rival: str
    probability: float
    flagged: bool


def workbench() -> Workbench:
    """The one entry to everything below the pages; shared by all sessions."""
    return _workbench(_home())


def _home() -> str:
    return os.environ.get("SEXTANT_HOME", "")


@st.cache_resource(show_spinner=False)
def _workbench(home: str) -> Workbench:
    return Workbench(home or None)


def card() -> Card | None:
    """The summary of the collection on screen; None while there is none."""
    return workbench().card(collection()) if collection() else None


def collection() -> str:
    """The name of the collection on screen, "" while there is none."""
    return session.get(COLLECTION, "")


def stamp() -> tuple[str, ...]:
    """Changes when any process changes the collection on screen or the list of collections."""
    names, here = workbench().names(), collection()
    return (*names, workbench().version(here) if here in names else "")


def encoder() -> str | None:
    """The chosen encoder; None is the collection's first, also where it lacks the chosen one."""
    model = session.get(ENCODER, "")
    return model if model and model in workbench().encoders(collection()) else None


def opened(model: str | None = None) -> EncodedCollection:
    """The collection on screen with the vectors of an encoder, by default the chosen one."""
    workbench().last_used.note(collection())
    here, chosen = as_encoded(model), recipe(model)
    return workbench().repaired(here, chosen) if chosen else here


def as_encoded(model: str | None = None) -> EncodedCollection:
    """The same without the chosen recipe."""
    return workbench().open(collection(), model or encoder())


def recipe(model: str | None = None) -> str:
    """The chosen recipe that repairs the space on every page; "" for none.

    Args:
        model: the encoder; one beside the chosen has none, as a recipe fits the vectors of one.
    """
    name = session.get(RECIPE, "")
    if not name or model not in (None, (here := as_encoded()).passport.model):
        return ""
    return name if name in workbench().recipes(here) else ""


def space() -> Space:
    """The vectors of the collection on screen; resident, shared, never copied."""
    return opened().space


def items_key() -> str:
    """A cache key for what depends on names, attributes or texts too, not on vectors alone."""
    here = opened()
    return f"{here.version} {here.space.key}"


def tags_key() -> str:
    """The same for what depends on tags too, with which nothing else of a collection changes."""
    return f"{items_key()} {workbench().tags_version(collection())}"


def search(query: Query, *, model: str | None = None) -> SearchResult:
    """The results of a query on the collection on screen, cached until it changes.

    Args:
        query: what to search for.
        model: the encoder; by default the chosen one.
    """
    here = opened(model)
    key = workbench().results_key(here, query)
    result: SearchResult = _RESULTS.get(key, lambda: workbench().search(here, query))
    if any(not part.item for part in query.parts):
        _encoder_loaded(_home(), collection(), model or encoder())["loaded"] = True
    return result


def encode(query: Query) -> None:
    """Encode the texts of a query before its turn, together with those of other visitors."""
    if any(part.text for part in query.parts):
        workbench().encode_query(opened(), query)


def measured(name: str, of: Space | None = None) -> tuple[tuple[Finding, ...], str]:
    """The findings of a diagnostic, or what it lacks; computed once per state of the vectors.

    Those of a whole collection are stored with it.

    Args:
        name: the diagnostic.
        of: the space to measure; by default the one on screen.
    """
    here = opened(of.encoder if of else None)
    if of is None or of.key == here.space.key:
        return _stored(here.space.key, name, here)
    return _measured(of.key, name, of)


def stored_findings(model: str) -> StoredFindings:
    """What is stored about the collection on screen with the vectors of an encoder."""
    return workbench().stored_findings(opened(model))


def measured_part(of: Space, on_part: Callable[[str], None]) -> StoredFindings:
    """The findings of a part of a collection; the last few stay in memory."""
    known = _parts_measured()
    if of.key not in known:
        known[of.key] = workbench().measure_space(of, on_part=on_part)
        while len(known) > PARTS:
            known.pop(next(iter(known)), None)
    return known[of.key]


@st.cache_resource(show_spinner=False)
def _parts_measured() -> dict[str, StoredFindings]:
    return {}


def encoder_named(model: str) -> str | None:
    """An encoder as jobs name it: None for the collection's first."""
    return None if model == workbench().encoders(collection())[0] else model


def suspects(of: Space) -> list[Suspect]:
    """The pairs of a space to review, in order."""
    return _suspects(of.key, of)


@st.cache_data(max_entries=8, show_spinner=False)
def _suspects(key: str, _space: Space) -> list[Suspect]:
    found = workbench().suspects(_space)
    columns = (found.texts, found.images, found.rivals, found.probability)
    return [
        Suspect(*(_space.ids[row] for row in rows), probability, at < found.flagged)
        for at, (*rows, probability) in enumerate(zip(*map(_listed, columns), strict=True))
    ]


def _listed(values: Any) -> list[Any]:
    return list(values.tolist())


@st.cache_resource(max_entries=512, show_spinner=False)
def _stored(key: str, name: str, _opened: EncodedCollection) -> tuple[tuple[Finding, ...], str]:
    return workbench().findings(_opened, name)


@st.cache_resource(max_entries=512, show_spinner=False)
def _measured(key: str, name: str, _space: Space) -> tuple[tuple[Finding, ...], str]:
    findings, lacks = workbench().measure(_space, [name])
    return findings, lacks.get(name, "")


def items(ids: Sequence[str]) -> dict[str, Item]:
    """Items of the collection on screen by id."""
    return {item.id: item for item in workbench().items(collection(), tuple(ids))}


def captions(ids: Sequence[str]) -> dict[str, str]:
    """The first caption of each image that has one, by the image's id."""
    first = space().first_texts(ids)
    texts = items(tuple(first.values()))
    return {id_: texts[text].text for id_, text in first.items()}


def examples(n: int, kinds: Sequence[Kind], filters: Sequence[Filter] = ()) -> tuple[str, ...]:
    """Ids of n items spread over the collection on screen.

    Args:
        n: how many at most.
        kinds: images, texts or both.
        filters: those that pass.
    """
    here = opened()
    ids, images, n_items = here.space.ids, here.space.n_images, here.space.n
    rows: Sequence[int] = range(
        0 if "image" in kinds else images, n_items if "text" in kinds else images
    )
    if filters:
        passes = here.collection.mask(filters, ids)
        rows = [row for row in rows if passes[row]]
    return tuple(ids[row] for row in rows[:: max(len(rows) // n, 1)][:n])


def example_queries() -> tuple[str, ...]:
    """A few words to try on the collection on screen."""
    return workbench().example_queries(opened())


def ready() -> bool:
    """Whether the encoder is loaded in this process: the next query need not wait for it."""
    return _encoder_loaded(_home(), collection(), encoder())["loaded"]


def settle() -> None:
    """Freeze the garbage collector's objects, once per space and again with its encoder.

    A collection that scans all loaded libraries takes as long as drawing the page. Reference
    cycles that are alive at that time are never freed.
    """
    with suppress(InputError):  # a collection without vectors
        _settled(space().key, encoder_loaded=ready())


@st.cache_resource(show_spinner=False)
def _settled(key: str, *, encoder_loaded: bool) -> None:
    gc.collect()
    gc.freeze()


def warm() -> Thread | None:
    """Load what the first text query needs, in a thread, once in this process; None when it is."""
    return None if ready() else _warmed(_home(), collection(), encoder())


@st.cache_resource(show_spinner=False)
def _warmed(home: str, name: str, model: str | None) -> Thread:
    bench, loaded = _workbench(home), _encoder_loaded(home, name, model)

    def work() -> None:
        tasks.warm_search(bench, name, model)
        loaded["loaded"] = True

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


@st.cache_resource(show_spinner=False)
def _encoder_loaded(home: str, name: str, model: str | None) -> dict[str, bool]:
    return {"loaded": False}


def readable_image(data: bytes, name: str) -> Any:
    """An image file as browsers can show it: upright and RGB.

    Raises:
        UnreadableFile: it is not an image, or a truncated one.
    """
    return workbench().readable_image(data, name)


@st.cache_data(max_entries=8, ttl=120, show_spinner=False)
def preview(path: str, options: ReadOptions, name: str) -> Preview:
    """What would be read for a collection from a path that may be read; kept for a while."""
    return tasks.preview(workbench(), path, options, name)


@st.cache_data(max_entries=8, ttl=120, show_spinner=False)
def columns_of(path: str) -> list[str]:
    """The columns of a table, as far as it can be read without further help."""
    return tasks.columns(workbench(), path)


def build_demo(encoder: str = DEFAULT_ENCODER) -> None:
    """Start the job that builds the demo collection, unless it is running."""
    title = "Building the demo collection"
    tasks.start(workbench(), "build_demo", title, name="demo", encoder=encoder)


def add_encoder(name: str, encoder: str) -> None:
    """Start the job that encodes a collection with a further encoder."""
    title = f"Encoding {name} with {encoder}"
    tasks.start(workbench(), "add_encoder", title, name=name, encoder=encoder)


@st.cache_data(ttl=600, show_spinner=False)
def encoder_suggestions() -> tuple[EncoderSuggestion, ...]:
    """Encoders to offer; may take a second to find out whether the hub is reachable."""
    return workbench().encoder_suggestions()


def thumbnails(ids: Sequence[str]) -> dict[str, bytes]:
    """Thumbnails (WebP) of the collection on screen by id."""
    return workbench().thumbnails(collection(), tuple(ids))
