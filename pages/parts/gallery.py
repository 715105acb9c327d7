"""Pictures and texts as one grid that opens the viewer: fast, reachable by keyboard."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from core.types import Hit, Item
from pages.parts import state, words

_ASSETS = Path(__file__).parents[2] / "assets" / "gallery"
_GRID = st.components.v2.component(
    "sextant_gallery",
    css=(_ASSETS / "gallery.css").read_text("utf-8"),
    js=(_ASSETS / "gallery.js").read_text("utf-8"),
)


@dataclass(frozen=True, slots=True)
class Card:
    """What the grid shows of one item: all of it is text, none of it is ever markup."""

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


def cards(ids: Sequence[str], *, notes: dict[str, str] | None = None) -> list[Card]:
    """Cards of items by id, in the order given; `notes` puts a short text under a card."""
    items, pictures = state.items(ids), state.thumbnails(ids)
    notes = notes or {}
    return [_card(items[i], pictures.get(i, b""), note=notes.get(i, "")) for i in ids if i in items]


def hits(found: Iterable[Hit]) -> list[Card]:
    """Cards of search results: rank, cosine, tail probability, hub badge."""
    found = list(found)
    ids = [hit.id for hit in found]
    items, pictures = state.items(ids), state.thumbnails(ids)
    return [
        _card(
            items[hit.id],
            pictures.get(hit.id, b""),
            rank=str(hit.rank),
            value=f"{hit.cosine:.3f}",
            note=words.chance(hit.p_null),
            badge=f"hub ×{hit.hubness:.0f}" if hit.hubness == hit.hubness else "",
        )
        for hit in found
        if hit.id in items
    ]


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


def _card(item: Item, picture: bytes, **fields: str) -> Card:
    caption = words.shorten(item.text, 400) if item.kind == "text" else ""
    return Card(
        id=item.id,
        kind=item.kind,
        name=item.name,
        caption=caption,
        picture=data_uri(picture),
        labels=item.labels[:3],
        **fields,
    )
