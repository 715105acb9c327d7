"""Forms: what a source may look like. `core.ingest.readers.detect.FORMS` lists them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.ingest.readers.files import Tree
from core.ingest.readers.records import Aside, Note, ReadOptions, Source
from core.ingest.readers.rows import Row
from core.types import Rejected


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form, as a user reads of it.

    Args:
        name: what `--form` calls it.
        title: its name in the field.
        recognized: how.
        taken: what becomes images, captions, labels and attributes.
        example: a few lines of it, or its files.
    """

    kind: ClassVar[str]
    name: str
    title: str
    recognized: str
    taken: str
    example: str


@dataclass(frozen=True)
class Table:
    """The rows of a table, which may be iterated repeatedly, and how its columns were read.

    `count` is the number of rows where the images lie in the table itself, so that its rows are
    read one by one; None where all are in memory.
    """

    rows: Iterable[Row | Rejected | Note]
    columns: Mapping[str, str] = field(default_factory=dict)
    left_aside: tuple[Aside, ...] = ()
    count: int | None = None


@dataclass(frozen=True, kw_only=True)
class TableForm(Form):
    """A file of rows, by its own path or at the top of a folder.

    Args:
        suffixes: its files' endings.
        load: the file of a tree, parsed as far as `recognizes` needs; forms that share a function
            share its result. UnreadableFile: it is none of these forms.
        recognizes: whether what was loaded from a file of this name is of this form.
        table: reads it.
        alone: whether only a file given by its own path can be of this form.
    """

    kind: ClassVar[str] = "Tables"
    suffixes: tuple[str, ...]
    load: Callable[[Tree, str], Any]
    recognizes: Callable[[str, Any], bool]
    table: Callable[[str, Any, ReadOptions], Table]
    alone: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceForm(Form):
    """A whole folder or zip, or a file that is no table.

    Args:
        recognizes: whether a tree is of this form; the second argument is the file in it that was
            asked for, "" for all of the tree.
        read: reads it.
    """

    kind: ClassVar[str] = "Images in files and folders"
    recognizes: Callable[[Tree, str], bool]
    read: Callable[[Tree, str, ReadOptions], Source]
