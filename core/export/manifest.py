"""What the columns of an export mean; written beside or into every export."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

from core.types import Passport

VERSION = 1
KEY = "sextant"  # of the manifest, in metadata and in names of files
# By role, which is also the column's name, the type of the fixed columns.
FIXED = {
    "id": "str",
    "kind": "str",
    "name": "str",
    "image": "image",
    "text": "str",
    "labels": "list",
    "captions": "list",
    "tags": "list",
    "pairs": "list",
    "pair_tags": "lists",
}
SCORES = {
    "rank": "int",
    "cosine": "float",
    "score": "float",
    "p_null": "float",
    "hubness": "float",
    "bias": "float",
    "plain_rank": "int",
    "match": "bool",
    "band": "str",
    "probability": "float",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        name: in the file.
        role: one of `FIXED`, or "attribute", "score" or "vector".
        type: "str", "int", "float", "bool", "list", "lists", "image", or "vector".
        of: the attribute's own name, or the passport of the vectors as JSON.
    """

    name: str
    role: str
    type: str
    of: str = ""


@dataclass(frozen=True)
class Manifest:
    """The columns of an export, in order, and the collection they came from."""

    collection: str
    columns: tuple[Column, ...]

    def to_json(self) -> str:
        """One line of JSON."""
        columns = [asdict(column) for column in self.columns]
        return json.dumps({KEY: VERSION, "collection": self.collection, "columns": columns})

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest | None:
        """The inverse of `to_json`; None for any other text.

        >>> Manifest.from_json("[]"), Manifest.from_json(Manifest("pets", ()).to_json())
        (None, Manifest(collection='pets', columns=()))
        """
        try:
            document = json.loads(text)
            if document[KEY] != VERSION:
                return None
            columns = tuple(Column(**column) for column in document["columns"])
            manifest = cls(str(document["collection"]), columns)
            return manifest if len(manifest.passports) == len(manifest.vectors) else None
        except (ValueError, KeyError, TypeError):
            return None

    def with_simple_names(self) -> Manifest:
        """The same columns, their names of letters, digits and `_` only.

        >>> manifest = Manifest("", (Column("a.b", "attribute", "int", "a.b"),))
        >>> manifest.with_simple_names().columns[0].name
        'a_b'
        """
        taken: set[str] = set()
        return replace(
            self,
            columns=tuple(
                replace(c, name=_free(re.sub(r"\W", "_", c.name), "", taken)) for c in self.columns
            ),
        )

    @property
    def vectors(self) -> tuple[Column, ...]:
        """The columns of vectors."""
        return tuple(column for column in self.columns if column.role == "vector")

    @property
    def passports(self) -> tuple[Passport, ...]:
        """How the vectors of each of these columns were computed."""
        return tuple(Passport.from_json(column.of) for column in self.vectors)

    @property
    def plain(self) -> tuple[Column, ...]:
        """The columns without vectors."""
        return tuple(column for column in self.columns if column.role != "vector")


def columns_of(
    attributes: Mapping[str, Iterable[str]], passports: Iterable[Passport], *, scored: bool
) -> tuple[Column, ...]:
    """The columns of a collection's export.

    Args:
        attributes: every attribute with the types its values have.
        passports: of the encoders whose vectors are exported.
        scored: whether the rows are hits.
    """
    fixed = [Column(name, name, type_) for name, type_ in FIXED.items()]
    scores = [Column(name, "score", type_) for name, type_ in SCORES.items() if scored]
    taken = {column.name for column in (*fixed, *scores)}
    names = [
        (name if len(types) == 1 else f"{name} [{type_}]", type_, name)
        for name, types in ((name, tuple(types)) for name, types in attributes.items())
        for type_ in types
    ]
    others = [
        Column(_free(name, "attribute", taken), "attribute", type_, of) for name, type_, of in names
    ]
    vectors = [
        Column(_free("vector" if not n else f"vector_{n + 1}", "vector", taken), "vector", "vector",
               passport.to_json())
        for n, passport in enumerate(passports)
    ]  # fmt: skip
    return (*fixed, *scores, *others, *vectors)


def _free(name: str, role: str, taken: set[str]) -> str:
    """A name that no other column has, whatever its case; it is taken from then on."""
    known = {one.lower() for one in taken}
    while not name.strip() or name.lower() in known:
        name = f"{name} ({role})" if role else f"{name}_"
    taken.add(name)
    return name
