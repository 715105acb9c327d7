"""Images and texts as one grid: fast, reachable by keyboard."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

import streamlit as st

from core import ASSETS
from core.errors import UnknownName
from core.measure import Versus
from core.types import BANDS, Band, Hit, Item, Space
from core.workbench import Workbench
from pages.parts import controls, formatting, session, state, thumbnails

_FILES = ASSETS / "gallery"
_GRID = st.components.v2.component(
    "sextant_gallery",
    css=(_FILES / "gallery.css").read_text("utf-8"),
    js=(_FILES / "gallery.js").read_text("utf-8"),
)
LINES: dict[Band, str] = {
    "": "", "strong": "strong", "likely": "likely from here", "unlikely": "unlikely from here",
}  # fmt: skip
_COLUMNS = {
    "id", "kind", "name", "text", "labels", "tags", "file", "image", "rank", "caption", "band",
    "cosine", "score", "p", "p(match)", "p_null", "hubness", "bias", "plain_rank", "match",
    "probability", "x", "y",
}  # fmt: skip
More = Callable[[], Mapping[str, Mapping[str, float]]]
ABOUT_HUB = "In the nearest-neighbor lists of this many times more items than average"


@dataclass(frozen=True, slots=True)
class Card:
    """What the grid shows of one item: text only, never markup.

    `image` is an address or a data URI. `above` is written on a line across the grid, above the
    card. `move` is how the rank differs from another ranking's, and `moved` "up", "down", "new",
    "gone" or "".
    """

    id: str
    kind: str
    name: str
    caption: str = ""
    image: str = ""
    labels: tuple[str, ...] = ()
    rank: str = ""
    band: Band = ""
    value: str = ""
    note: str = ""
    move: str = ""
    moved: str = ""
    badge: str = ""
    badge_help: str = ""
    above: str = ""


def cards(ids: Sequence[str], *, notes: Mapping[str, str] | None = None) -> list[Card]:
    """Cards of items by id, in this order; `notes` are short texts under them, by id."""
    notes = notes or {}
    return _cards(ids, {id_: {"note": notes.get(id_, "")} for id_ in ids})


def hits(results: Iterable[Hit], *, by_band: bool = False) -> list[Card]:
    """Cards of search results: rank, band, cosine, probability, hub badge.

    Args:
        results: in order.
        by_band: strong matches first, then likely ones, then the rest, with a line above each.
    """
    ordered = sorted(results, key=lambda hit: BANDS.index(hit.band)) if by_band else list(results)
    first = {hit.band: hit.id for hit in reversed(ordered)} if by_band else {}
    about = {
        hit.id: {
            "rank": str(hit.rank),
            "band": hit.band,
            "value": f"{hit.cosine:.3f}",
            "note": _probability(hit),
            "badge": f"hub ×{hit.hubness:.0f}" if hit.hubness > 1 else "",
            "badge_help": ABOUT_HUB,
            "above": LINES[hit.band] if hit.id == first.get(hit.band) else "",
        }
        for hit in ordered
    }
    return _cards(list(about), about)


def rows(results: Sequence[Hit] | Callable[[], Sequence[Hit]]) -> controls.Rows:
    """Search results as a table, built when it is saved; of deleted items only id and scores.

    `text` is a text itself, or an image's first caption.
    """
    bench, name, space = state.workbench(), state.collection(), state.space()

    def table() -> list[dict[str, str | float]]:
        hits = results() if callable(results) else results
        items = _described(bench, name, space, [hit.id for hit in hits])
        return [
            {"rank": hit.rank, **items[hit.id]}
            | {
                "cosine": hit.cosine, "score": hit.score, "p_null": hit.p_null,
                "hubness": hit.hubness, "bias": hit.bias, "plain_rank": hit.plain_rank,
                "match": hit.match, "band": hit.band, "probability": hit.probability,
            }
            for hit in hits
        ]  # fmt: skip

    return table


def item_rows(
    ids: Sequence[str], more: More | None = None
) -> Callable[[], list[dict[str, str | float]]]:
    """Items as a table, built when it is saved; `more` gives further columns by id then."""
    bench, name, space = state.workbench(), state.collection(), state.space()

    def table() -> list[dict[str, str | float]]:
        columns = more() if more else {}
        described = _described(bench, name, space, ids)
        return [{**row, **columns.get(id_, {})} for id_, row in described.items()]

    return table


def _described(
    bench: Workbench, name: str, space: Space, ids: Sequence[str]
) -> dict[str, dict[str, str | float]]:
    """Id, kind, name, text, labels, path, tags and attributes of items, by id.

    Those that were deleted have only an id.
    """
    first = space.first_texts(ids)
    with bench.read_session():
        known, tags = _known(bench, name, list({*ids, *first.values()})), bench.tags_of(name, ids)
    attributes = sorted({a for id_ in ids if id_ in known for a in known[id_].attributes})
    rows: dict[str, dict[str, str | float]] = {}
    for id_ in ids:
        item, says = known.get(id_), known.get(first.get(id_, id_))
        rows[id_] = {
            "id": id_, "kind": item.kind if item else "", "name": item.name if item else "",
            "text": says.text if says else "", "labels": ", ".join(item.labels) if item else "",
            "tags": ", ".join(tags.get(id_, ())), "file": item.source if item else "",
        }  # fmt: skip
        for one in attributes:
            value = item.attributes.get(one) if item else None
            rows[id_][column_of(one)] = "" if value is None else value
    return rows


def tags(ids: Sequence[str]) -> dict[str, list[str]]:
    """The tags of those items that have some, without those of their pairs."""
    return state.workbench().tags_of(state.collection(), ids)


def column_of(attribute: str) -> str:
    """The column of an attribute in a table; another one than those of every item and hit.

    >>> column_of("year"), column_of("Rank")
    ('year', 'Rank (attribute)')
    """
    return f"{attribute} (attribute)" if attribute.strip().lower() in _COLUMNS else attribute


def _known(bench: Workbench, name: str, ids: Sequence[str]) -> dict[str, Item]:
    """The items that are still there, by id: at once unless one is gone."""
    with suppress(UnknownName):
        return {item.id: item for item in bench.items(name, ids)}
    known = {}
    for id_ in ids:
        with suppress(UnknownName):
            known[id_] = bench.items(name, [id_])[0]
    return known


def show(
    cards: Sequence[Card],
    *,
    key: str,
    size: int = 200,
    picked: Sequence[str] | None = None,
    pick: Callable[[str], None] = lambda id_: None,
) -> tuple[str, str]:
    """Draw the grid. Returns (action, id) of a click that no run has returned yet, else ("", "").

    The action is "open" (image or text clicked) or "like" (its "more like this" button). A click is
    kept until a run gets here: the run that it starts may end before, with another rerun.

    Args:
        cards: in order.
        key: unique on the page, starts with `_`.
        size: minimum width of a card, pixels.
        picked: ids of the selected cards; None where cards cannot be selected.
        pick: called with the id of a card that was selected or deselected, before the next run.
    """
    data: dict[str, Any] = {"cards": [asdict(card) for card in cards], "size": size}
    if picked is not None:
        data["picked"] = list(picked)
    clicked = f"{key}_clicked"

    def keep(action: str) -> None:
        id_ = session.sent(key, action)
        if id_:
            session.store(clicked, (action, str(id_)))

    def picked_one() -> None:
        id_ = session.sent(key, "pick")
        if id_:
            pick(id_)

    _GRID(
        key=key,
        data=data,
        on_open_change=lambda: keep("open"),
        on_like_change=lambda: keep("like"),
        on_pick_change=picked_one,
    )
    return session.take(clicked, ("", ""))


def data_uri(image: bytes) -> str:
    """A thumbnail (WebP) as a data URI, "" for none."""
    return f"data:image/webp;base64,{b64encode(image).decode()}" if image else ""


def _probability(hit: Hit) -> str:
    """P(match), or the p-value where nothing calibrates that."""
    if isfinite(hit.probability):
        return f"P {hit.probability:.2f}"
    return formatting.chance(hit.p_null)


def _cards(ids: Sequence[str], about: Mapping[str, Mapping[str, str]]) -> list[Card]:
    texts, bench, name = state.space().first_texts(ids), state.workbench(), state.collection()
    with ThreadPoolExecutor(1) as pool:  # reads both tables at the same time
        pending = pool.submit(bench.thumbnails, name, ids)
        items = state.items([*ids, *texts.values()])
        images = pending.result()
    return [
        Card(
            id=id_,
            kind=items[id_].kind,
            name=formatting.shorten(items[id_].name, 120),
            caption=formatting.shorten(_caption(id_, items, texts), 400),
            image=thumbnails.address(name, id_, images.get(id_, b""))
            or data_uri(images.get(id_, b"")),
            labels=items[id_].labels[:3],
            **about[id_],
        )
        for id_ in ids
        if id_ in items
    ]


def _caption(id_: str, items: Mapping[str, Item], texts: Mapping[str, str]) -> str:
    """A text itself, or an image's first caption."""
    text = items.get(id_ if items[id_].kind == "text" else texts.get(id_, ""))
    return text.text if text else ""


def of_queries(
    space: Space,
    found: Versus,
    places: Sequence[int],
    sides: tuple[str, str],
    *,
    as_queries: bool = False,
) -> list[Card]:
    """The image of each query, with its text and the rank of its item on both sides.

    Args:
        space: the items.
        found: the two sides compared.
        places: of the queries in `found`.
        sides: what the two sides are called.
        as_queries: a card has the id of its query, also where that is a text.
    """
    queries = [space.ids[found.queries[place]] for place in places]
    texts = state.items(queries)
    image = dict(zip(space.pairs[::-1, 1].tolist(), space.pairs[::-1, 0].tolist(), strict=True))
    ids = [space.ids[image.get(found.queries[p], found.queries[p])] for p in places]
    base = {card.id: card for card in cards(list(dict.fromkeys(ids)))}
    return [
        replace(
            base[id_], id=query if as_queries else id_, labels=(),
            caption=formatting.shorten(texts[query].text, 400) or base[id_].caption,
            note=", ".join(
                f"rank {rank:,} {side}" for rank, side in zip(found.ranks[p], sides, strict=True)
            ),
        )
        for p, query, id_ in zip(places, queries, ids, strict=True)
        if id_ in base
    ]  # fmt: skip
