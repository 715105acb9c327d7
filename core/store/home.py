"""The home of all collections: which exist, and their names."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import pyarrow as pa
from pyarrow import fs

from core.errors import BadParameter, StoreError, UnknownName
from core.store.collection import Collection
from core.store.database import Database, is_remote
from core.store.originals import place
from core.store.table import Table, key, store_errors

FORMAT = 2
"""Format of what is stored. 1 is that of version 0.1.0; since 2 every database has a record of its
tables. Raise it with a step in `Home.migrate` when their meaning changes.
"""
FORMAT_FILE = "format.json"
THE_HOME, REMEDY = "The home of the collections", "Restore it from a copy."
# What both LanceDB and pyarrow read.
SCHEMES = ("s3", "gs", "abfss")
DELETED = "deleted"
PRIVATE = 0o700  # rights of a new home: other users of the computer cannot read it
KEY = re.compile("[0-9a-f]{16}")
NAME = re.compile(r"(?! )[\w .-]{1,60}(?<! )")
SCHEMA = pa.schema(
    [
        key("name"),
        pa.field("key", pa.string(), nullable=False),
        pa.field("created", pa.string(), nullable=False),
        pa.field("named", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    key: str
    created: str
    named: int


class Home:
    """A folder or object-store address that holds collections.

    Args:
        uri: a folder, created by the first write, or an address such as "s3://bucket/sextant".
    """

    def __init__(self, uri: str | Path) -> None:
        self.uri = _address(uri)
        self._database = Database(self.uri, THE_HOME, REMEDY)
        self._open: dict[tuple[str, str], Collection] = {}

    def names(self) -> tuple[str, ...]:
        """Names of all collections, in alphabetical order."""
        return tuple(sorted(self._rows()))

    def create(self, name: str) -> Collection:
        """A new, empty collection.

        Raises:
            BadParameter: the name is taken, or not allowed.
        """
        row = self._claim(name, token_hex(8), datetime.now(UTC).isoformat(timespec="seconds"))
        return self._collection(row)

    def open(self, name: str) -> Collection:
        """An existing collection.

        Raises:
            UnknownName: there is no collection of that name.
        """
        return self._collection(self._row(name))

    def ensure(self, name: str) -> Collection:
        """An existing collection, or a new one. Two processes that call it at once get the same."""
        if name not in self._rows():
            try:
                return self.create(name)
            except BadParameter:
                if name not in self._rows():
                    raise
        return self.open(name)

    def rename(self, old: str, new: str) -> None:
        """Give a collection another name."""
        row = self._row(old)
        if new != old:
            # The new name first: a process killed in between leaves two, of which the newer counts.
            self._claim(new, row.key, row.created)
            self._table().delete({"name": [old]})

    def delete(self, name: str) -> None:
        """Delete a collection and everything in it."""
        row = self._row(name)
        with store_errors(f"The collection '{name}' cannot be deleted"):
            files, marks = place(self._folder(DELETED))
            files.create_dir(marks, recursive=True)
            with files.open_output_stream(f"{marks}/{row.key}") as stream:
                stream.write(b"")
            self._sweep(row.key)

    def format(self) -> int:
        """The format of what is stored; 0 where nothing is.

        Raises:
            StoreError: it is that of a later version of Sextant.
        """
        part, remedy = f"its file '{FORMAT_FILE}'", "Restore it from a copy, or delete the file."
        with store_errors(f"{THE_HOME} cannot be read", part, remedy):
            files, path = place(self._folder(FORMAT_FILE))
            if files.get_file_info(path).type is fs.FileType.File:
                with files.open_input_stream(path) as stream:
                    found = _format(stream.read())
            else:
                found = int(bool(self._rows()))
        if found > FORMAT:
            raise StoreError(
                f"{THE_HOME} was written by a later version of "
                f"Sextant (format {found}; this one reads up to {FORMAT}). Update with: "
                "pip install -U sextant-embeddings"
            )
        return found

    def migrate(self) -> None:
        """Bring what an earlier version has stored to the present format."""
        if self.format() == 1:
            for name in self.names():
                with suppress(StoreError):  # a damaged one is no reason to leave out the others
                    self.open(name).record()
            self._database.record()
            self._write_format()

    def _write_format(self) -> None:
        with store_errors(f"{THE_HOME} cannot be written"):
            files, path = place(self._folder(FORMAT_FILE))
            with files.open_output_stream(path) as stream:
                stream.write(json.dumps({"format": FORMAT}).encode())

    def sweep(self) -> None:
        """Complete deletions that a killed process left half done."""
        with store_errors("What was deleted cannot be removed"):
            files, marks = place(self._folder(DELETED))
            for mark in files.get_file_info(fs.FileSelector(marks, allow_not_found=True)):
                if KEY.fullmatch(mark.base_name):
                    self._sweep(mark.base_name)

    def _sweep(self, folder_key: str) -> None:
        """Delete what was marked: its row, its folder, and at last the mark."""
        self._table().delete({"key": [folder_key]})
        self._open = {k: c for k, c in self._open.items() if k[0] != folder_key}
        files, folder = place(self._folder(folder_key))
        if files.get_file_info(folder).type is fs.FileType.Directory:
            files.delete_dir(folder)
        files.delete_file(f"{place(self._folder(DELETED))[1]}/{folder_key}")

    def _claim(self, name: str, folder: str, created: str) -> _Row:
        """Register a name, unless it is taken, also by a process that registers it right now."""
        check_name(name)
        if not is_remote(self.uri):
            with store_errors(f"{THE_HOME} cannot be written"):
                Path(self.uri).mkdir(PRIVATE, parents=True, exist_ok=True)
        if not self.format():
            self._write_format()
        table = self._table()
        row = _Row(name, folder, created, time.time_ns())
        values = [[row.name], [row.key], [row.created], [row.named]]
        table.merge(pa.table(values, schema=SCHEMA), ["name"])
        if self._row(name) != row:
            raise BadParameter("The collection's name", f"'{name}'", "a name that is not taken")
        return row

    def _table(self) -> Table:
        return self._database.ensure("collections", SCHEMA)

    def _row(self, name: str) -> _Row:
        rows = self._rows()
        if name not in rows:
            raise UnknownName("collection", name, rows)
        return rows[name]

    def _rows(self) -> dict[str, _Row]:
        return self._database.cached("collections", _read, {})

    def _folder(self, folder: str) -> str:
        return f"{self.uri.rstrip('/')}/{folder}"

    def _collection(self, row: _Row) -> Collection:
        collection = Collection(self._folder(row.key), row.name)
        return self._open.setdefault((row.key, row.name), collection)


def check_name(name: str) -> None:
    """Reject what cannot be the name of a collection.

    Raises:
        BadParameter: it is too long, or has other characters than are allowed.
    """
    if not NAME.fullmatch(name):
        allowed = "1 to 60 letters, digits, spaces and . _ -, no space at either end"
        raise BadParameter("The collection's name", f"'{name}'", allowed)


def _format(document: bytes) -> int:
    try:
        return int(json.loads(document)["format"])
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from error


def _read(table: Table) -> dict[str, _Row]:
    rows = [_Row(**r) for r in table.read(SCHEMA.names).to_pylist()]
    newest = {r.key: r for r in sorted(rows, key=lambda r: r.named)}
    return {r.name: r for r in newest.values()}


def _address(uri: str | Path) -> str:
    text = str(uri)
    if text.startswith("file://"):
        text = place(text)[1]
    if is_remote(text) and text.partition("://")[0] not in SCHEMES:
        schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise BadParameter("The home", f"'{text}'", f"a folder, or an address with {schemes}")
    return text if is_remote(text) else str(Path(text).expanduser().absolute())
