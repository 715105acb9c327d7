"""Tables with ready-made vectors: which columns are vectors, of what, and their blocks of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar, TypeAlias

from core.errors import UnreadableFile
from core.ingest.readers.files import Folder
from core.ingest.readers.forms import Form
from core.ingest.readers.parquet import has_bytes
from core.ingest.readers.records import Aside, ReadOptions
from core.ingest.readers.rows import must_be_few, roles
from core.ingest.readers.vector_columns import Of, is_numbers, kind_named, vector_columns
from core.types import Rejected

BLOCK_ROWS = 16_384
FORMED = ("id", "kind", "pair")  # what these columns mean does not depend on the others
Fields: TypeAlias = Mapping[str, object]
Block: TypeAlias = tuple[Mapping[str, Any], Sequence[Fields | Rejected]]
"""Arrow lists of numbers by column, and the other fields of the same rows or why there are none."""


@dataclass(frozen=True)
class VectorTable:
    """A table with vectors, whatever contains it.

    Args:
        name: its name in messages.
        folder: its images' paths are relative to it.
        n: number of rows.
        d: dimension of most vectors; 0 when there are none.
        vectors: its columns of vectors, and what they are of: "" where the column `kind` says it.
        roles: of all columns that are read: vector, id, kind, pair, image, caption, label,
            attribute.
        blocks: its rows from the first, block by block.
        left_aside: what is not read.
        notes: how it was read.
    """

    name: str
    folder: Folder
    n: int
    d: int
    vectors: Mapping[str, Of]
    roles: Mapping[str, str]
    blocks: Callable[[], Iterator[Block]]
    left_aside: tuple[Aside, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VectorForm(Form):
    """A form of ready-made vectors.

    Args:
        recognizes: whether a file or folder is of this form.
        table: reads it. UnreadableFile: it is of this form, but cannot be read.
    """

    kind: ClassVar[str] = "Ready-made vectors"
    recognizes: Callable[[Path, ReadOptions], bool]
    table: Callable[[Path, ReadOptions], VectorTable]


@dataclass(frozen=True)
class Columns:
    """What the columns of a table with vectors are; see `VectorTable`."""

    vectors: Mapping[str, Of]
    roles: Mapping[str, str]
    left_aside: tuple[Aside, ...]
    notes: tuple[str, ...] = ()


def columns_of(
    name: str,
    schema: Any,
    options: ReadOptions,
    known: Mapping[str, str] | None = None,
    vectors: Sequence[str] = (),
) -> Columns:
    """The roles of the columns of a table.

    Args:
        name: of the table, in messages.
        schema: its Arrow schema.
        options: the columns that a user named.
        known: the roles of further columns, which are not in the schema.
        vectors: columns that are vectors whatever they are called.

    Raises:
        UnreadableFile: nothing says what the vectors are of, or a column cannot be what it must.
    """
    must_be_few(name, schema.names)
    like = list(dict.fromkeys([*vector_columns(schema), *vectors]))
    found = _found(name, schema, options, like)
    binary = [f.name for f in schema if has_bytes(f.type)]
    rest = [column for column in schema.names if column not in (*found, *like)]
    known = {**(known or {}), **{c: c for c in FORMED if c in rest and c not in binary}}
    known |= roles([column for column in rest if column not in known], options)
    if "caption" not in known.values() and known.get("text") == "attribute":
        known["text"] = "caption"
    aside = [
        Aside(column, "it has bytes", f"--image-column {quote(column)}")
        for column in binary
        if known.get(column) != "image"
    ]
    known = {c: role for c, role in known.items() if c not in {a.name for a in aside}}
    chosen: dict[str, Of] = {}
    for column in found:
        of = "" if "kind" in known else kind_named(column) or _by_roles(name, column, known)
        if of not in chosen.values():
            chosen[column] = of
    left = [column for column in dict.fromkeys([*found, *like]) if column not in chosen]
    reason = f"the vectors of {' and '.join(map(repr, chosen))} were read"
    aside += [Aside(column, reason, f"--vector-column {quote(column)}") for column in left]
    notes = _as_attributes(chosen, known)
    columns = {**dict.fromkeys(chosen, "vector"), **known}
    return Columns(chosen, columns, tuple(aside), notes)


def _found(name: str, schema: Any, options: ReadOptions, like: Sequence[str]) -> list[str]:
    """The columns to read vectors from: `vector` first, or only the one that a user named."""
    found = [options.vector_column] if options.vector_column else sorted(like, key="vector".__ne__)
    for column in found:
        if column not in schema.names:
            names = ", ".join(schema.names[:8])
            raise UnreadableFile(name, f"it has no column '{column}' (columns: {names})")
        kind = schema.field(column).type
        if not is_numbers(kind):
            reason = f"its column {column} is {kind}; a list of numbers is needed"
            raise UnreadableFile(name, reason)
    return found


def _as_attributes(vectors: Mapping[str, Of], known: dict[str, str]) -> tuple[str, ...]:
    """Make attributes of the images or captions that no vectors are of; returns notes about it."""
    notes = []
    for role, kind in (("image", "image"), ("caption", "text")):
        if {kind, ""}.isdisjoint(vectors.values()):
            for column in [column for column, its in known.items() if its == role]:
                known[column] = "attribute"
                of = f"no vectors are of its {role}s"
                notes.append(f"The column '{column}' is an attribute: {of}.")
    return tuple(notes)


def _by_roles(name: str, column: str, known: Mapping[str, str]) -> Of:
    meanings = set(known.values())
    if "image" in meanings:
        return "image"
    if "caption" in meanings:
        return "text"
    reason = f"it has no column kind (image or text), and none says what '{column}' is of"
    raise UnreadableFile(name, f"{reason}. The column of images or texts: --image-column NAME or "
                         "--caption-column NAME")  # fmt: skip


def one_length(name: str, lengths: Mapping[str, int]) -> int:
    """The length that the vectors of all columns have.

    Raises:
        UnreadableFile: they differ, so that they cannot be compared.
    """
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{column} has {length}" for column, length in lengths.items())
        how = f"Read one of them: --vector-column {quote(next(iter(lengths)))}"
        raise UnreadableFile(name, f"its vectors differ in length ({each}). {how}")
    return next(iter(lengths.values()))


def common_length(columns: Iterable[Any]) -> int:
    """The most frequent length of lists, of equally frequent ones the first; 0 without any."""
    from pyarrow import compute

    lengths: Counter[int] = Counter()
    for column in columns:
        for entry in compute.value_counts(compute.list_value_length(column)).to_pylist():
            if entry["values"]:
                lengths[entry["values"]] += entry["counts"]
    return lengths.most_common(1)[0][0] if lengths else 0
