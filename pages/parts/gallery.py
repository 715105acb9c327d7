"""Pictures and texts as one grid that opens the viewer: fast, reachable by keyboard."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass

import streamlit as st

from core import ASSETS
from core.errors import UnknownName
from core.types import Hit, Item
from pages.parts import controls, formatting, state

_FILES = ASSETS / "gallery"
_GRID = st.components.v2.component(
    "sextant_gallery",
    css=(_FILES / "gallery.css").read_text("utf-8"),
    js=(_FILES / "gallery.js").read_text("utf-8"),
)
HUB = "Shows up this many times more often than average among answers: hubs crowd results."


@dataclass(frozen=True, slots=True)
class Card:
    """What the grid shows of one item: all of it is text, none of it is ever markup.

    `above` is written on a line across the grid, over the card.
    """

    id: str
    kind: str
    name: str
    caption: str = ""
    picture: str = ""
    labels: tuple[str, ...] = ()
    rank: str = ""
    value: str = ""
    note: str = ""
    badge: str = ""
    badge_help: str = ""
    above: str = ""


def cards(ids: Sequence[str], *, notes: Mapping[str, str] | None = None) -> list[Card]:
    """Cards of items by id, in the order given; `notes` puts a short text under a card."""
    notes = notes or {}
    return _cards(ids, {id_: {"note": notes.get(id_, "")} for id_ in ids})


def hits(found: Iterable[Hit], *, divider: str = "") -> list[Card]:
    """Cards of search results: rank, cosine, tail probability, hub badge.

    Args:
        found: in order.
        divider: written between the matches and the rest; without, all keep their order.
    """
    found = sorted(found, key=lambda hit: not hit.match) if divider else list(found)
    first = next((hit.id for hit in found if not hit.match), "")
    about = {
        hit.id: {
            "rank": str(hit.rank),
            "value": f"{hit.cosine:.3f}",
            "note": formatting.chance(hit.p_null),
            "badge": f"hub ×{hit.hubness:.0f}" if hit.hubness > 1 else "",
            "badge_help": HUB,
            "above": divider if hit.id == first else "",
        }
        for hit in found
    }
    return _cards(list(about), about)


def rows(found: Sequence[Hit]) -> controls.Rows:
    """Search results as a table, made when somebody saves it.

    Kind and name of what somebody has deleted meanwhile are empty.
    """
    bench, name = state.workbench(), state.collection()

    def made() -> list[dict[str, str | float]]:
        said = {hit.id: ("", "") for hit in found}
        with bench.read_session():
            for hit in found:
                with suppress(UnknownName):
                    item = bench.items(name, [hit.id])[0]
                    said[hit.id] = item.kind, item.name
        return [
            {
                "rank": hit.rank, "id": hit.id, "kind": said[hit.id][0], "name": said[hit.id][1],
                "cosine": hit.cosine, "score": hit.score, "p_null": hit.p_null,
                "hubness": hit.hubness, "bias": hit.bias, "plain_rank": hit.plain_rank,
                "match": hit.match,
            }
            for hit in found
        ]  # fmt: skip

    return made


def show(cards: Sequence[Card], *, key: str, size: int = 200) -> tuple[str, str]:
    """Draw the grid. Returns (what, id) of a click in this run, else ("", "").

    `what` is "open" (picture or text clicked) or "like" (its "more like this" button).

    Args:
        cards: in order.
        key: unique on the page, starts with `_`.
        size: smallest width of a card, pixels.
    """
    result = _GRID(
        key=key,
        data={"cards": [asdict(card) for card in cards], "size": size},
        on_open_change=lambda: None,
        on_like_change=lambda: None,
    )
    if result.open:
        return "open", str(result.open)
    return ("like", str(result.like)) if result.like else ("", "")


def data_uri(picture: bytes, kind: str = "image/webp") -> str:
    """A small picture that travels inside the page."""
    return f"data:{kind};base64,{b64encode(picture).decode()}" if picture else ""


def _cards(ids: Sequence[str], about: Mapping[str, Mapping[str, str]]) -> list[Card]:
    texts, bench, name = state.first_texts(ids), state.workbench(), state.collection()
    with ThreadPoolExecutor(1) as aside:  # two tables are read in the time of one
        small = aside.submit(bench.thumbnails, name, ids)
        items = state.items([*ids, *texts.values()])
        pictures = small.result()
    return [
        Card(
            id=id_,
            kind=items[id_].kind,
            name=formatting.shorten(items[id_].name, 120),
            caption=formatting.shorten(_said(id_, items, texts), 400),
            picture=data_uri(pictures.get(id_, b"")),
            labels=items[id_].labels[:3],
            **about[id_],
        )
        for id_ in ids
        if id_ in items
    ]


def _said(id_: str, items: Mapping[str, Item], texts: Mapping[str, str]) -> str:
    """A text itself, or a picture's caption."""
    said = items.get(id_ if items[id_].kind == "text" else texts.get(id_, ""))
    return said.text if said else ""
