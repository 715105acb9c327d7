"""The items behind the numbers of a report, drawn into the file itself: each picture once.

A picture is an SVG image that every place refers to, so it is in the file once however often it is
shown, prints, and needs no network. Names and texts are escaped.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from textwrap import shorten

from core import measure
from core.types import Finding, Ints, Item, Space

EACH = 5  # items at either end of a finding
BYTES = 1_500_000  # of pictures in one file, before they are written as text
LONGEST = 90  # characters of a text
AID = "The items at both ends of a number are shown, at most {each} at each; {pictures}."


def evidence_ids(space: Space, findings: Iterable[Finding]) -> list[str]:
    """Ids of the items that a report shows for findings, none twice."""
    ids: dict[str, None] = {}
    for finding in findings:
        for _, rows in _ends(finding):
            ids |= dict.fromkeys(space.ids[row] for row in rows)
    return list(ids)


@dataclass(frozen=True)
class Evidence:
    """What is known of the items behind a report.

    Args:
        items: pictures and texts by id; the others are not shown.
        pictures: small WebP pictures by id, where there are any; `BYTES` of them at most are used.
    """

    items: Mapping[str, Item] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def _places(self) -> dict[str, int]:
        """Number of each picture that is in the file."""
        room, places = BYTES, dict[str, int]()
        for id_, data in self.pictures.items():
            if id_ in self.items and 0 < len(data) <= room:
                room -= len(data)
                places[id_] = len(places)
        return places

    @property
    def about(self) -> str:
        """What is shown and what is not, in a sentence; "" without items."""
        if not self.items:
            return ""
        known = sum(id_ in self.items and bool(data) for id_, data in self.pictures.items())
        size = sum(len(self.pictures[id_]) for id_ in self._places) / 1e6
        pictures = f"{len(self._places):,} small pictures take {size:.1f} MB of this file"
        if known > len(self._places):
            pictures += f", {known - len(self._places):,} more did not fit and are named"
        return AID.format(each=EACH, pictures=pictures)

    def pictures_once(self) -> str:
        """All pictures, drawn nowhere yet."""
        if not self._places:
            return ""
        images = "".join(
            f'<image id="picture{i}" width="1" height="1" preserveAspectRatio="xMidYMid slice" '
            f'href="data:image/webp;base64,{b64encode(self.pictures[id_]).decode()}"/>'
            for id_, i in self._places.items()
        )
        return f'<svg class="store" aria-hidden="true"><defs>{images}</defs></svg>'

    def both_ends(self, space: Space, finding: Finding, name: str) -> str:
        """The items with the highest and the lowest value; "" when none is known."""
        lines = []
        for title, rows in _ends(finding):
            shown = "".join(self._item(space.ids[row], finding, row) for row in rows)
            if shown:
                what = f"{title}, {name}: {finding.per_item_title or finding.name}"
                lines.append(f'<p class="aid">{escape(what)}</p><ul class="items">{shown}</ul>')
        each = "".join(f"<div>{line}</div>" for line in lines)
        return f'<div class="ends">{each}</div>' if each else ""

    def _item(self, id_: str, finding: Finding, row: int) -> str:
        item = self.items.get(id_)
        if item is None or finding.per_item is None:
            return ""
        text = item.kind == "text" and bool(item.payload)
        words = escape(shorten(item.text if text else item.name, LONGEST, placeholder="…"))
        drawn = f"<q>{words}</q>" if text else f"<span>{words}</span>"
        if id_ in self._places:
            drawn = (
                f'<svg viewBox="0 0 1 1" role="img" aria-label="{words}"><title>{words}</title>'
                f'<use href="#picture{self._places[id_]}"/></svg>'
            )
        return f"<li>{drawn}<b>{float(finding.per_item[row]):.3g}</b></li>"


def _ends(finding: Finding) -> Sequence[tuple[str, Ints]]:
    """The rows at both ends; those of a finding about the space as a whole are none."""
    if finding.per_item is None:
        return ()
    low, high = measure.extremes(finding.per_item, EACH)
    both = {int(row) for row in high}
    return ("Highest", high), ("Lowest", low[[int(row) not in both for row in low]])
