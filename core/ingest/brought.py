"""Rows that bring a vector of their own, as items with their pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import UnreadableFile
from core.ingest.folders import Folder
from core.ingest.records import short
from core.ingest.rows import attribute, clean, labels_of, refusal, unique
from core.types import Item, Kind, Refusal, Value

COLUMNS = frozenset({"id", "kind", "vector", "pair", "text", "image", "label", "labels"})
MAX_PAIRS_A_KEY = 10_000


@dataclass
class Brought:
    """Items so far, and what belongs to which.

    Args:
        name: the table's, for sentences.
        folder: where its pictures must be.
    """

    name: str
    folder: Folder
    items: list[Item] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)
    _sets: dict[Value, dict[str, list[str]]] = field(default_factory=dict)
    _lost: list[str] = field(default_factory=list)
    _pictures: int = 0

    def add(self, start: int, rows: list[dict[str, Any]], wrong: Mapping[int, str]) -> list[int]:
        """Take in a block of rows; gives the rows that were taken."""
        taken = []
        for at, row in enumerate(rows):
            try:
                item = self._item(f"{self.name} row {start + at + 1}", row, wrong.get(at, ""))
            except UnreadableFile as error:
                self.refused.append(refusal(error))
                continue
            self._seen[item.id] = start + at + 1
            self.items.append(item)
            taken.append(at)
        return taken

    def _item(self, place: str, row: Mapping[str, Any], wrong: str) -> Item:
        """One row's item; UnreadableFile says why there is none."""
        id_ = "" if row["id"] is None else clean(place, str(row["id"])).strip()
        if not id_:
            raise UnreadableFile(place, "it has no id")
        if id_ in self._seen:
            reason = f"its id '{id_}' is already that of row {self._seen[id_]}"
            raise UnreadableFile(place, reason)
        kind: Kind = row["kind"]
        if kind not in ("image", "text"):
            raise UnreadableFile(place, f"its kind is '{kind}'; allowed: image, text")
        if wrong:
            raise UnreadableFile(place, f"{wrong} (id '{id_}')")
        labels = [*labels_of(place, row.get("label")), *labels_of(place, row.get("labels"))]
        typed = {c: attribute(place, v) for c, v in row.items() if c not in COLUMNS}
        attributes = {c: v for c, v in typed.items() if v is not None}
        payload, name, source = self._content(place, row, kind)
        key = attribute(place, row.get("pair"))
        if key is not None:
            self._sets.setdefault(key, {"image": [], "text": []})[kind].append(id_)
        return Item(kind, payload, name or id_, source, unique(labels), attributes, id_)

    def _content(self, place: str, row: Mapping[str, Any], kind: Kind) -> tuple[bytes, str, str]:
        """Payload, name and source."""
        if kind == "text":
            text = clean(place, str(row.get("text") or "")).strip()
            return text.encode(), short(text), ""
        picture = str(row.get("image") or "").strip()
        return b"", picture, self._picture(picture)

    def _picture(self, reference: str) -> str:
        """Absolute path of an item's picture; "" when there is none to be had."""
        if not reference:
            return ""
        self._pictures += 1
        try:
            name = self.folder.within(reference)
            objection = self.folder.objection(name)
        except UnreadableFile as error:
            objection = error.reason
        if objection:
            self._lost.append(f"{reference}: {objection}")
            return ""
        return self.folder.path(name)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every image with every text of the same key."""
        found: list[tuple[str, str]] = []
        for key, ends in self._sets.items():
            count = len(ends["image"]) * len(ends["text"])
            if count > MAX_PAIRS_A_KEY:
                reason = f"it joins {len(ends['image'])} images with {len(ends['text'])} texts"
                limit = f"at most {MAX_PAIRS_A_KEY:,} pairs a key"
                self.refused.append(Refusal(f"{self.name} pair '{key}'", f"{reason}; {limit}"))
            else:
                found += [(image, text) for image in ends["image"] for text in ends["text"]]
        return tuple(found)

    def notes(self) -> list[str]:
        """What happened to pictures."""
        if not self._lost:
            return []
        many = f"{len(self._lost):,} of {self._pictures:,} pictures cannot be read"
        return [f"{many} (first: {self._lost[0]}); their items are kept without a picture."]
