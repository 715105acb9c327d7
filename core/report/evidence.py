"""The items behind the numbers of a report: which they are, and what the file embeds of them.

A thumbnail is in the file once, however often it is shown, so that the report needs no network.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import shorten

from core import measure
from core.types import Finding, Ints, Item, Space

EACH = 5  # items at either end of a finding
BYTES = 1_500_000  # of thumbnails in one file, before base64
LONGEST = 90  # characters of a text
AID = (
    "For each number the items with the highest and the lowest values are shown, at most {each} of "
    "each; {thumbnails}."
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One item of a report: its text or name, the number of its thumbnail, and its value."""

    text: str
    is_text: bool
    thumbnail: int | None
    value: float


@dataclass(frozen=True)
class Evidence:
    """The items that a report shows.

    Args:
        items: images and texts by id; items that are not here are not shown.
        thumbnails: WebP thumbnails by id, as far as there are any; at most `BYTES` are embedded.
    """

    items: Mapping[str, Item] = field(default_factory=dict)
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Number in the file of each embedded thumbnail, by id."""
        room, numbers = BYTES, dict[str, int]()
        for id_, data in self.thumbnails.items():
            if id_ in self.items and 0 < len(data) <= room:
                room -= len(data)
                numbers[id_] = len(numbers)
        return numbers

    @property
    def embedded(self) -> Iterator[str]:
        """The embedded thumbnails in base64, by number."""
        return (b64encode(self.thumbnails[id_]).decode() for id_ in self.numbers)

    @property
    def about(self) -> str:
        """What is shown and what is not, in a sentence; "" without items."""
        if not self.items:
            return ""
        available = sum(id_ in self.items and bool(data) for id_, data in self.thumbnails.items())
        size = sum(len(self.thumbnails[id_]) for id_ in self.numbers) / 1e6
        thumbnails = f"{len(self.numbers):,} thumbnails take {size:.1f} MB of this file"
        if available > len(self.numbers):
            thumbnails += f", {available - len(self.numbers):,} more did not fit and are named"
        return AID.format(each=EACH, thumbnails=thumbnails)

    def extremes(self, space: Space, finding: Finding) -> list[tuple[str, list[Shown]]]:
        """The items with the highest and the lowest values, as far as they are in `items`."""
        ends = [
            (title, [shown for row in rows if (shown := self._shown(space.ids[row], finding, row))])
            for title, rows in _ends(finding)
        ]
        return [(title, items) for title, items in ends if items]

    def _shown(self, id_: str, finding: Finding, row: int) -> Shown | None:
        item = self.items.get(id_)
        if item is None or finding.per_item is None:
            return None
        is_text = item.kind == "text" and bool(item.payload)
        text = shorten(item.text if is_text else item.name, LONGEST, placeholder="…")
        return Shown(text, is_text, self.numbers.get(id_), float(finding.per_item[row]))


def evidence_ids(space: Space, findings: Iterable[Finding]) -> list[str]:
    """Ids of the items that a report shows for findings, without repeats."""
    rows = (row for finding in findings for _, end in _ends(finding) for row in end)
    return list(dict.fromkeys(space.ids[row] for row in rows))


def _ends(finding: Finding) -> tuple[tuple[str, Ints], ...]:
    """The rows with the highest and the lowest values; none for a finding about the space."""
    if finding.per_item is None:
        return ()
    low, high = measure.extremes(finding.per_item, EACH)
    both = {int(row) for row in high}
    return ("Highest", high), ("Lowest", low[[int(row) not in both for row in low]])
