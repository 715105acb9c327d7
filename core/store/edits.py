"""What a person has changed: labels and deletions that outlive an ingest, and the last edit's undo.

An edit of labels, or a deletion, is a row of its own: a source that comes again neither brings the
old labels nor the deleted items back. The rows that the last edit replaced are kept, so that it can
be undone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InputError, clean
from core.store import writes
from core.store.database import Database
from core.store.originals import Originals
from core.store.schema import EDITS, TAGS, UNDO, tokens_name, vectors_name
from core.store.table import Table
from core.store.tags import Tags, both
from core.types import Item, Passport

UNDOABLE = 20_000  # items deleted at once of which the rows are kept
_KEYS: Mapping[str, tuple[str, ...]] = {
    "thumbnails": ("id",),
    "items": ("id",),
    "pairs": ("image", "text"),
    "tags": ("tag", "item", "text"),
    "provenance": ("place", "name", "id"),
    "edits": ("item",),
}


@dataclass
class _Change:
    """How to undo an edit: rows to put back and to remove by table, and copies of images it left.

    `about` says what was edited.
    """

    about: str
    put: dict[str, pa.Table]
    remove: dict[str, pa.Table]
    copies: tuple[str, ...] = ()


class Edits:
    """The edits of one collection.

    Args:
        database: its tables.
        originals: its copies of images.
        tags: its tags.
        passports: of its encoders.
    """

    def __init__(
        self,
        database: Database,
        originals: Originals,
        tags: Tags,
        passports: Callable[[], Iterable[Passport]],
    ) -> None:
        self._database, self._originals = database, originals
        self._tags, self._passports = tags, passports

    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """The labels that a person has set, by item."""
        return self._database.cached("edits", _labels, {})

    def deleted(self) -> frozenset[str]:
        """Ids of the items that a person has deleted."""
        return self._database.cached("edits", _deleted, frozenset())

    def applied(self, items: Iterable[Item]) -> list[Item]:
        """Items of a source, with the edited labels, without those that were deleted."""
        labels, deleted = self.labels(), self.deleted()
        return [
            replace(i, labels=labels[i.id]) if i.id in labels else i
            for i in items
            if i.id not in deleted
        ]

    def last(self) -> str:
        """What the last edit was, such as "3 items deleted"; "" when nothing can be undone."""
        return self._database.cached("undo", _last, "")

    def set_labels(self, ids: Sequence[str], labels: Sequence[str]) -> None:
        """Give items these labels in place of theirs; blank ones do not count."""
        labels = [label.strip() for label in map(clean, labels) if label.strip()]
        items = self._database.table("items")
        rows = items.read(["id", "labels"], {"id": list(ids)}) if items else None
        if items is None or not rows:
            return
        known = rows["id"].to_pylist()
        before, new = self._edited(known)
        change = _Change(_about(len(known), "labeled"), {"items": rows, "edits": before},
                         {"edits": new})  # fmt: skip
        self._store(change)
        self._note([(id_, list(labels), False) for id_ in known])
        set_to = pa.array([list(labels)] * len(known), rows.schema.field("labels").type)
        _put(items, "items", rows.set_column(1, rows.schema.field("labels"), set_to))

    def tag(self, name: str, targets: Iterable[Sequence[str]]) -> None:
        """Tag items and pairs; see `Tags.add`."""
        name, rows = name.strip(), self._tags.rows(name.strip())
        old = set(zip(rows["item"].to_pylist(), rows["text"].to_pylist(), strict=True))
        new = [target for target in dict.fromkeys(map(both, targets)) if target not in old]
        self._tags.add(name, new)
        if new:
            items, texts = zip(*new, strict=True)
            added = pa.table([[name] * len(new), items, texts, [0] * len(new)], schema=TAGS)
            self._store(_Change(_about(len(new), f"tagged {name}"), {}, {"tags": added}))

    def untag(self, name: str, targets: Iterable[Sequence[str]]) -> None:
        """Remove a tag from items and pairs."""
        meant, rows = set(map(both, targets)), self._tags.rows(name.strip())
        each = zip(rows["item"].to_pylist(), rows["text"].to_pylist(), strict=True)
        gone = rows.filter(pa.array([target in meant for target in each], pa.bool_()))
        if len(gone):
            about = _about(len(gone), f"without the tag {name.strip()}")
            self._store(_Change(about, {"tags": gone}, {}))
        self._tags.remove(name, meant)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete items for good: an ingest does not bring them back."""
        items = self._database.table("items")
        known = items.read(["id"], {"id": list(ids)})["id"].to_pylist() if items else []
        if not known:
            return
        undoable = len(known) <= UNDOABLE
        put = dict(self._rows_of(known)) if undoable else {}
        put["edits"], new = self._edited(known)
        self._note([(id_, None, True) for id_ in known])
        copies = writes.delete(
            self._database, self._originals, self._passports(), known, keep_copies=undoable
        )
        if undoable:
            self._store(_Change(_about(len(known), "deleted"), put, {"edits": new}, tuple(copies)))
        else:
            self._forget()

    def undo(self) -> str:
        """Undo the last edit, once; returns what it was.

        Raises:
            InputError: there is none.
        """
        change = self._load()
        if change is None:
            raise InputError("There is no edit to undo. Only the last one can be undone.")
        for name, rows in change.put.items():
            table = self._database.table(name)
            if table:
                _put(table, name, rows)
        for name, rows in change.remove.items():
            table = self._database.table(name)
            if table:
                _remove(table, name, rows)
        self._clear()
        return change.about

    def allow_deleted(self) -> int:
        """Let an ingest add deleted items again; returns how many were deleted."""
        deleted, table = sorted(self.deleted()), self._database.table("edits")
        if table:
            table.delete({"item": deleted})
        return len(deleted)

    def _edited(self, ids: Sequence[str]) -> tuple[pa.Table, pa.Table]:
        """The rows of edits that some items have, and the keys of those that will be new."""
        table = self._database.ensure("edits", EDITS)
        rows = table.read(EDITS.names, {"item": list(ids)})
        new = sorted(set(ids) - set(rows["item"].to_pylist()))
        return rows, pa.table({"item": pa.array(new, pa.string())})

    def _note(self, rows: Sequence[tuple[str, list[str] | None, bool]]) -> None:
        now = time.time_ns()
        columns = [[r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]]
        made = pa.table([*columns, [now] * len(rows)], schema=EDITS)
        self._database.ensure("edits", EDITS).merge(made, ["item"], replace=True)

    def _rows_of(self, ids: list[str]) -> Iterator[tuple[str, pa.Table]]:
        """All rows that are deleted with some items, by table, in the order to put them back."""
        encoded = [n for p in self._passports() for n in (vectors_name(p), tokens_name(p))]
        by_column = {
            "thumbnails": ("id",), "items": ("id",), "pairs": ("image", "text"),
            "tags": ("item", "text"), "provenance": ("id",), **dict.fromkeys(encoded, ("id",)),
        }  # fmt: skip
        for name, columns in by_column.items():
            table = self._database.table(name)
            if table:
                names = table.schema().names
                parts = [table.read(names, {column: ids}) for column in columns]
                yield name, pa.concat_tables(parts)

    def _store(self, change: _Change) -> None:
        """Keep how to undo an edit, in place of the one before."""
        self._forget()
        rows = [("about", change.about, json.dumps(change.copies).encode())]
        rows += [(f"put {name}", "", _packed(t)) for name, t in change.put.items() if len(t)]
        rows += [(f"remove {name}", "", _packed(t)) for name, t in change.remove.items() if len(t)]
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._database.ensure("undo", UNDO).merge(pa.table(columns, schema=UNDO), ["part"])

    def _load(self) -> _Change | None:
        table = self._database.table("undo")
        change = _Change("", {}, {})
        for row in table.read(UNDO.names).to_pylist() if table else ():
            what, _, name = row["part"].partition(" ")
            if what == "about":
                change.about, change.copies = row["about"], tuple(json.loads(row["rows"]))
            else:
                tables = change.put if what == "put" else change.remove
                tables[name] = pa.ipc.open_stream(row["rows"]).read_all()
        return change if change.about else None

    def _forget(self) -> None:
        """The last edit can no longer be undone: what it kept goes."""
        before = self._load()
        if before:
            writes.delete_copies(self._database, self._originals, before.copies)
            self._clear()

    def _clear(self) -> None:
        table = self._database.table("undo")
        if table:
            table.delete({"part": table.read(["part"])["part"].to_pylist()})


def _labels(table: Table) -> dict[str, tuple[str, ...]]:
    rows = table.read(EDITS.names).to_pylist()
    return {r["item"]: tuple(r["labels"]) for r in rows if r["labels"] is not None}


def _deleted(table: Table) -> frozenset[str]:
    rows = table.read(["item", "deleted"]).to_pylist()
    return frozenset(r["item"] for r in rows if r["deleted"])


def _last(table: Table) -> str:
    rows = table.read(["about"], {"part": ["about"]})["about"].to_pylist()
    return str(rows[0]) if rows else ""


def _about(n: int, done: str) -> str:
    return f"1 item {done}" if n == 1 else f"{n:,} items {done}"


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _put(table: Table, name: str, rows: pa.Table) -> None:
    """Merge rows that may lack columns: of present rows these stay as they are."""
    schema = table.schema()
    missing = [field for field in schema if field.name not in rows.schema.names]
    if missing:
        names = [field.name for field in missing]
        present = table.read(["id", *names], {"id": rows["id"].to_pylist()})
        at = pc.index_in(rows["id"], value_set=present["id"])
        if not all(field.nullable for field in missing):  # an item that is gone stays gone
            rows, at = rows.filter(pc.is_valid(at)), pc.drop_null(at)
        for name in names:
            rows = rows.append_column(name, present[name].take(at))
    columns = [rows[column].cast(schema.field(column).type) for column in schema.names]
    table.merge(pa.table(columns, schema=schema), list(_KEYS.get(name, ("id",))), replace=True)


def _remove(table: Table, name: str, keys: pa.Table) -> None:
    first, *others = _KEYS.get(name, ("id",))
    if not others:
        table.delete({first: keys[first].to_pylist()})
        return
    many, *rest = others
    alike: dict[tuple[str, ...], list[str]] = {}
    for value, *others in zip(*(keys[c].to_pylist() for c in (many, first, *rest)), strict=True):
        alike.setdefault(tuple(others), []).append(value)
    for key, values in alike.items():
        each = {column: [value] for column, value in zip((first, *rest), key, strict=True)}
        table.delete_both({many: values, **each})
