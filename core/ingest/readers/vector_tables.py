"""Tables with ready-made vectors: which columns are vectors, of what, and their blocks of rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

from core.errors import UnreadableFile
from core.ingest.readers.files import Folder
from core.ingest.readers.forms import Form
from core.ingest.readers.parquet import has_bytes
from core.ingest.readers.records import Aside, ReadOptions
from core.ingest.readers.rows import roles
from core.types import Kind, Rejected

BLOCK_ROWS = 16_384
FORMED = ("id", "kind", "pair")  # what these columns mean does not depend on the others
_WORDS = {"vector", "vectors", "embedding", "embeddings", "embed", "embeds", "emb", "embs",
          "feature", "features", "feat", "feats"}  # fmt: skip
_OF_IMAGES = {"image", "images", "img", "imgs", "visual", "vision", "photo", "pixel"}
_OF_TEXTS = {"text", "texts", "txt", "caption", "captions", "title", "sentence", "query"}

Of: TypeAlias = Kind | Literal[""]
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


def names_vectors(column: str) -> bool:
    """Whether a column is named like vectors.

    >>> [names_vectors(c) for c in ("clip_embedding", "imageEmbeddings", "vector", "member")]
    [True, True, True, False]
    """
    return not _WORDS.isdisjoint(_words(column))


def kind_named(name: str) -> Of:
    """What a column or file of vectors is of, by its name; "" when it does not say.

    >>> kind_named("text_emb"), kind_named("imageFeatures"), kind_named("embedding")
    ('text', 'image', '')
    """
    words = _words(name)
    if not words.isdisjoint(_OF_TEXTS):
        return "" if not words.isdisjoint(_OF_IMAGES) else "text"
    return "" if words.isdisjoint(_OF_IMAGES) else "image"


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)}


def vector_columns(schema: Any, options: ReadOptions) -> list[str]:
    """The columns of an Arrow schema that may be vectors: lists of numbers named like them.

    A column named `vector` is one of them whatever it contains, so that a wrong one is reported.
    """
    if options.vector_column:
        return [name for name in schema.names if name == options.vector_column]
    return [f.name for f in schema if f.name == "vector" or (
        names_vectors(f.name) and is_numbers(f.type))]  # fmt: skip


def is_numbers(kind: Any) -> bool:
    """Whether values of an Arrow type are lists of numbers."""
    from pyarrow import types

    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return lists and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type))


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
    found = vector_columns(schema, options) or list(vectors)
    for column in found:
        if not is_numbers(schema.field(column).type):
            kind = schema.field(column).type
            reason = f"its column {column} is {kind}; a list of numbers is needed"
            raise UnreadableFile(name, reason)
    binary = [f.name for f in schema if has_bytes(f.type)]
    rest = [column for column in schema.names if column not in found]
    known = {**(known or {}), **{c: c for c in FORMED if c in rest and c not in binary}}
    known |= roles([column for column in rest if column not in known], options)
    if "caption" not in known.values() and known.get("text") == "attribute":
        known["text"] = "caption"
    aside = [
        Aside(column, "it has bytes", f"--image-column {column}")
        for column in binary
        if known.get(column) != "image"
    ]
    known = {c: role for c, role in known.items() if c not in {a.name for a in aside}}
    chosen: dict[str, Of] = {}
    for column in sorted(found, key="vector".__ne__):
        of = "" if "kind" in known else kind_named(column) or _by_roles(name, column, known)
        if taken := next((c for c, kind in chosen.items() if kind == of), ""):
            reason = f"the vectors of '{taken}' were read"
            aside.append(Aside(column, reason, f"--vector-column {column}"))
        else:
            chosen[column] = of
    notes = []
    for role, kind in (("image", "image"), ("caption", "text")):
        for column in [c for c, r in known.items() if r == role]:
            if {kind, ""}.isdisjoint(chosen.values()):
                known[column] = "attribute"
                notes.append(
                    f"The column '{column}' is an attribute: no vectors are of its {role}s."
                )
    columns = {**dict.fromkeys(chosen, "vector"), **known}
    return Columns(chosen, columns, tuple(aside), tuple(notes))


def _by_roles(name: str, column: str, known: Mapping[str, str]) -> Of:
    meanings = set(known.values())
    if "image" in meanings:
        return "image"
    if "caption" in meanings:
        return "text"
    reason = f"it has no column kind (image or text), and none says what '{column}' is of"
    raise UnreadableFile(name, f"{reason}. The column of images or texts: --image-column NAME or "
                         "--caption-column NAME")  # fmt: skip


def common_length(columns: Iterable[Any]) -> int:
    """The most frequent length of lists, of equally frequent ones the first; 0 without any."""
    from pyarrow import compute

    lengths: Counter[int] = Counter()
    for column in columns:
        for entry in compute.value_counts(compute.list_value_length(column)).to_pylist():
            if entry["values"]:
                lengths[entry["values"]] += entry["counts"]
    return lengths.most_common(1)[0][0] if lengths else 0
