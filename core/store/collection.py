"""One collection: its verbs, a few lines each; the work is done in the files beside this one."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from shlex import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InputError, UnknownName
from core.store import additions, filters, writes
from core.store.artifacts import Artifacts
from core.store.check import Problem, problems
from core.store.database import Database
from core.store.edits import Edits
from core.store.filters import Field
from core.store.full_text import FullTextIndex
from core.store.items import Counts, ItemsTable, RowCache
from core.store.originals import Originals
from core.store.provenance import Provenance
from core.store.schema import PAIRS, item_of, vectors_name
from core.store.space import space as assemble_space
from core.store.tags import FIELD, Tags
from core.store.token_vectors import TokenStore
from core.types import Attributes, Bools, Filter, Floats, Item, Passport, Rejected, Space, Value

ITEMS_AT_ONCE = 256


class Collection:
    """Items, pairs, thumbnails and vectors under one name; threads and processes may share one.

    `artifacts` holds layouts, reports and saved queries; `tokens` the token vectors; `tags` what a
    person has said about items and pairs; `edits` what they have changed;
    `provenance` what was ingested from where.

    Args:
        uri: its own folder or address.
        name: chosen by the user.
    """

    def __init__(self, uri: str, name: str) -> None:
        self.name = name
        remedy = f"See what can be repaired: sextant check {quote(name)}"
        self._database = Database(uri, f"The collection '{name}'", remedy)
        self._originals = Originals(uri, f"The collection '{name}'")
        self._items = ItemsTable(self._database, f"item of '{name}'")
        self._thumbnails = RowCache(self._database, "thumbnails")
        self._full_text = FullTextIndex(self._database, self._items)
        self.artifacts = Artifacts(self._database)
        self.tokens = TokenStore(self._database)
        self.tags = Tags(self._database)
        self.provenance = Provenance(self._database)
        self.edits = Edits(self._database, self._originals, self.tags, self.passports)

    def version(self) -> str:
        """Changes when any process has written items, pairs, thumbnails or vectors.

        Unique to the collection, even when a deleted one had the same name.
        """
        names = "items", "pairs", "thumbnails", "provenance", *map(vectors_name, self.passports())
        tables = [(name, self._database.table(name)) for name in names]
        versions = (f"{name}:{t.version() if t else 0}" for name, t in tables)
        return " ".join([self._database.uri, *versions])

    def counts(self) -> Counts:
        """Number of images, texts and pairs."""
        return self._items.counts()

    def item_ids(self) -> set[str]:
        """Ids of all items."""
        return set(self._items.items().ids.to_pylist())

    def vector_ids(self, passport: Passport) -> set[str]:
        """Ids of the items that have a vector of this encoder."""
        return set(self._items.with_vector(passport).to_pylist())

    def passports(self) -> tuple[Passport, ...]:
        """Passports of the encoders, in the order in which they were added."""
        return self._items.passports()

    def passport(self, encoder: str | None = None) -> Passport:
        """The passport of an encoder, by its name or its passport's key; the first added if None.

        Raises:
            UnknownName: the collection has no vectors of that encoder.
            InputError: it has none at all.
        """
        passports = self.passports()
        for passport in passports:
            if encoder in (None, passport.model, passport.key):
                return passport
        if encoder is None and not len(self._items.items().ids):
            raise InputError(
                f"'{self.name}' has no items yet. Ingest some, or again where that was stopped: "
                f"sextant ingest PATH -c {quote(self.name)}"
            )
        if encoder is None:
            raise InputError(
                f"'{self.name}' has no vectors yet. Encode it: sextant encode "
                f"{quote(self.name)} --encoder starter"
            )
        what = f"encoder of '{self.name}'"
        raise UnknownName(what, encoder, [p.model for p in passports])

    def space(self, passport: Passport) -> Space:
        """All items with a vector of this encoder: images, then texts, each sorted by id."""
        return assemble_space(
            self._items.items(),
            self._database.pinned(vectors_name(passport)),
            self._database.table("pairs"),
            passport,
            self.provenance.copies(),
            self._database.uri,
        )

    def items(self, ids: Sequence[str]) -> list[Item]:
        """The items of some ids, in that order; images come without their bytes.

        Raises:
            UnknownName: there is no such item.
        """
        return [item_of(row) for row in self._items.rows(ids)]

    def present(self, ids: Sequence[str]) -> set[str]:
        """Which of some ids the collection has now."""
        return {row["id"] for row in self._items.rows(ids, skip_unknown=True)}

    def problems(self, *, repair: bool = False) -> Iterator[Problem]:
        """What does not fit together; see `core.store.check.problems`."""
        documents = {
            "passports": self.passports,
            "intakes": self.artifacts.ingest_reports,
            "findings": self.artifacts.read_findings,
            "queries": self.artifacts.queries,
        }
        return problems(self._database, self._items, self._originals, documents, repair=repair)

    def record(self) -> None:
        """Note which tables there are, and count their rows."""
        self._database.record()

    def without_thumbnail(self) -> list[str]:
        """Ids of images that have bytes and no thumbnail."""
        items, table = self._items.items(), self._database.table("thumbnails")
        has = table.read(["id"])["id"] if table else pa.array([], pa.string())
        images = pc.and_(pc.equal(items.column("kind"), "image"),
                         pc.not_equal(items.column("content"), ""))  # fmt: skip
        missing = pc.and_(images, pc.invert(pc.is_in(items.ids, value_set=has)))
        return items.ids.filter(missing).to_pylist()

    def table(self, ids: Sequence[str]) -> pa.Table:
        """The items of some ids as an Arrow table, in that order, with their attributes.

        Columns: id, kind, name, text, labels, and one for each attribute; all but the id are null
        for items that were deleted.
        """
        items, columns = self._items.items(), ("kind", "name", "text", "labels")
        items.load((*columns, *(c for own in items.attributes.values() for c in own.values())))
        rows = self._items.positions(items, ids)
        rows = pa.array(rows, mask=rows < 0)
        values = {name: items.column(name) for name in columns}
        values |= {name: items.attribute(name) for name in items.attributes}
        return pa.table({"id": list(ids)} | {name: v.take(rows) for name, v in values.items()})

    def texts(self, ids: Sequence[str]) -> list[str]:
        """The texts of some items; empty for items that were deleted."""
        items = self._items.items()
        text = items.column("text")
        rows = self._items.positions(items, ids)
        found = text.take(pa.array(rows, mask=rows < 0))
        return list(pc.fill_null(found, "").to_pylist())

    def attributes(self, ids: Sequence[str]) -> Attributes:
        """Labels, and attributes that are text, integers or yes and no, of some items, by row.

        Without `split`, and without what differs from item to item, as names of files do.
        """
        items = self._items.items()
        rows = self._items.positions(items, ids)
        rows = pa.array(rows, mask=rows < 0)
        labels = items.column("labels").take(rows)
        found = [("label", pc.list_parent_indices(labels), pc.list_flatten(labels))]
        for name in items.attributes:
            values = items.attribute(name).take(rows)
            if name != "split" and not pa.types.is_floating(values.type):
                valid = pc.indices_nonzero(pc.is_valid(values))
                found.append((filters.shown_name(name), valid, values.take(valid)))
        names, at = list[tuple[str, str]](), [np.empty((0, 2), np.int64)]
        for name, own, values in found:
            coded = pc.cast(values, pa.string()).dictionary_encode()
            if name == "label" or 2 * len(coded.dictionary) <= len(coded):
                number = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64) + len(names)
                at.append(np.column_stack([own.to_numpy(zero_copy_only=False), number]))
                names += [(name, value) for value in coded.dictionary.to_pylist()]
        return Attributes(tuple(names), np.unique(np.concatenate(at).astype(np.int64), axis=0))

    def ids(self) -> list[str]:
        """Ids of all items, in the order in which they were added."""
        items = self._items.items()
        rows = pa.table({"id": items.ids, "added": items.column("added")})
        return rows.sort_by([("added", "ascending"), ("id", "ascending")])["id"].to_pylist()

    def attribute_types(self) -> dict[str, tuple[str, ...]]:
        """Every attribute that any item has, with the types of its values."""
        items = self._items.items()
        types = {
            name: tuple(
                kind for kind, column in columns.items()
                if items.column(column).null_count < len(items.ids)
            )
            for name, columns in items.attributes.items()
        }  # fmt: skip
        return {name: kinds for name, kinds in types.items() if kinds}

    def values(self, field: str, ids: Sequence[str]) -> list[Value | None]:
        """An attribute of some items, by its name as a field; of "tag" the first one they bear.

        Raises:
            UnknownName: there is no such attribute.
        """
        items = self._items.items()
        by_name = {filters.shown_name(name): name for name in items.attributes}
        if field in by_name:
            rows = self._items.positions(items, ids)
            taken = items.attribute(by_name[field]).take(pa.array(rows, mask=rows < 0))
            return list(taken.to_pylist())
        if field != FIELD:
            raise UnknownName("attribute", field, (*by_name, FIELD))
        tags, *each = (self.tags.rows()[c].to_pylist()[::-1] for c in ("tag", "item", "text"))
        first = {id_: tag for tag, *both in zip(tags, *each, strict=True) for id_ in both}
        return [first.get(id_) for id_ in ids]

    def first_images(self, n: int) -> tuple[str, ...]:
        """Ids of the n images that were added first."""
        return tuple(self._items.first_images(n).to_pylist())

    def thumbnails(self, ids: Sequence[str]) -> dict[str, bytes]:
        """WebP thumbnails of those ids that have one."""
        return {id_: row["webp"] for id_, row in self._thumbnails.rows(ids).items()}

    def pairs_of(self, id: str) -> tuple[str, ...]:
        """Ids paired with an item: an image's texts, or a text's images; sorted."""
        table = self._database.table("pairs")
        if table is None:
            return ()
        rows = table.read(PAIRS.names, {"image": [id], "text": [id]}).to_pylist()
        return tuple(sorted({r["text"] if r["image"] == id else r["image"] for r in rows}))

    def payload(self, id: str) -> bytes:
        """An image's original file bytes, or a text as UTF-8.

        Raises:
            UnreadableFile: the image's file is gone or has changed.
        """
        row = self._items.rows([id])[0]
        return self._originals.payload(item_of(row), row["content"])

    def unencoded(self, passport: Passport) -> Iterator[Item | Rejected]:
        """Items without a vector of this encoder, in the order in which they were added.

        With their payload, or the reason why there is none.
        """
        return self.with_payload(self._items.without_vector(passport).to_pylist())

    def with_payload(self, ids: Sequence[str]) -> Iterator[Item | Rejected]:
        """Items with their payload, or the reason why there is none; unknown ids are skipped."""
        for start in range(0, len(ids), ITEMS_AT_ONCE):
            for row in self._items.rows(ids[start : start + ITEMS_AT_ONCE], skip_unknown=True):
                yield self._originals.with_payload(item_of(row), row["content"])

    def search_text(
        self,
        text: str,
        limit: int = 1000,
        among: Sequence[str] | None = None,
        *,
        without: str = "",
    ) -> list[tuple[str, float]]:
        """Items that contain any word of a text; see `FullTextIndex.search`."""
        return self._full_text.search(text, limit, among, without=without)

    def fields(self) -> tuple[Field, ...]:
        """The fields that items can be filtered by."""
        known = filters.fields(self._items.items())
        names = self.tags.names()
        further = additions.field(self.artifacts.ingest_reports())
        if names:
            further = *further, Field(FIELD, "str", names)
        taken = {field.name for field in known}
        return *known, *(field for field in further if field.name not in taken)

    def mask(self, conditions: Sequence[Filter], ids: Sequence[str]) -> Bools:
        """Which of these ids satisfy every condition; unknown ids do not."""
        items = self._items.items()
        tags = [c for c in conditions if c.field == FIELD and FIELD not in items.attributes]
        own = additions.FIELD in items.attributes
        added = [c for c in conditions if c.field == additions.FIELD and not own]
        others = [c for c in conditions if c not in (*tags, *added)]
        # Unknown ids have position -1.
        known = filters.mask(items, others)
        for condition in added:
            known &= additions.mask(items, self.artifacts.ingest_reports(), condition)
        matches = np.append(known, False)[self._items.positions(items, ids)]
        for condition in tags:
            matches &= self.tags.mask(condition, ids)
        return matches

    # Writes. Repeating one changes nothing.
    def add(
        self,
        items: Sequence[Item],
        pairs: Sequence[tuple[str, str]] = (),
        thumbnails: Mapping[str, bytes] | None = None,
    ) -> None:
        """Add items, (image id, text id) pairs and WebP thumbnails. Existing ones stay as they are.

        The bytes of an image are stored only when it has no source. What a person has edited
        stays: see `Edits.applied`.
        """
        deleted = self.edits.deleted()
        kept = [pair for pair in pairs if deleted.isdisjoint(pair)] if deleted else pairs
        webp = {id_: data for id_, data in (thumbnails or {}).items() if id_ not in deleted}
        writes.add(self._database, self._originals, self.edits.applied(items), kept, webp)

    def update(self, items: Sequence[Item]) -> None:
        """Replace name, source, text, labels and attributes of existing items, not their bytes."""
        writes.update(self._database, self.edits.applied(items))

    def unpair(self, pairs: Sequence[tuple[str, str]], keep: Container[str] = ()) -> None:
        """Delete (image id, text id) pairs, and the texts that then have no image, unless kept."""
        self.delete_items(writes.unpair(self._database, pairs, keep))

    def pairs(self) -> dict[str, set[str]]:
        """Ids of the texts of each image that has any."""
        table = self._database.table("pairs")
        texts: dict[str, set[str]] = {}
        for row in table.read(PAIRS.names).to_pylist() if table else ():
            texts.setdefault(row["image"], set()).add(row["text"])
        return texts

    def write_vectors(
        self,
        passport: Passport,
        ids: Sequence[str],
        vectors: Floats,
        *,
        replace: bool = False,
        listed: bool = True,
    ) -> None:
        """Store (n, d) vectors of n items; existing ones of this encoder stay unless `replace`.

        Unless `listed`, they do not show before `succeed`.
        """
        deleted = self.edits.deleted()
        if not deleted.isdisjoint(ids):
            rows = [at for at, id_ in enumerate(ids) if id_ not in deleted]
            ids, vectors = [ids[at] for at in rows], vectors[rows]
        writes.write_vectors(self._database, passport, ids, vectors, replace, listed)

    def succeed(self, old: Passport, new: Passport) -> None:
        """Put an encoder, whose vectors are written, in another's place; that one's are deleted."""
        writes.succeed(self._database, old, new)

    def delete_items(self, ids: Sequence[str]) -> None:
        """Delete items with their pairs, thumbnails, vectors and copies of images."""
        writes.delete(self._database, self._originals, self.passports(), list(ids))

    def optimize(self) -> None:
        """Join the files of many writes, and index ids."""
        writes.optimize(self._database, self._originals, self.passports())
