"""Items (images and texts), rejected records, and the passport of stored vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from core.errors import PassportMismatch, clean, cleaned
from core.types.arrays import Kind, Value


def digest(*parts: bytes | memoryview | str) -> str:
    """Identity of content: 32 hex digits. Parts are length-prefixed, so their boundaries count.

    >>> digest("ab", "c") == digest("a", "bc")
    False
    """
    h = blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "big"))
        h.update(data)
    return h.hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """One image or one text.

    `payload` is the image's file bytes or the text in UTF-8; it may be empty when only a vector is
    known. `id` is the digest of kind and payload unless the user gave one. `source` is the path of
    the original, or "" when the store holds a copy.
    """

    kind: Kind
    payload: bytes
    name: str
    source: str = ""
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean(self.name))
        object.__setattr__(self, "labels", tuple(map(clean, self.labels)))
        object.__setattr__(self, "attributes", cleaned(dict(self.attributes)))
        if not self.id:
            object.__setattr__(self, "id", digest(self.kind, self.payload))

    @property
    def text(self) -> str:
        """The text of a text item."""
        return self.payload.decode("utf-8")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not ingested, and why."""

    name: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", clean(self.name))
        object.__setattr__(self, "reason", clean(self.reason))


@dataclass(frozen=True, slots=True)
class Passport:
    """How vectors were computed; stored with every vector table so that queries are encoded alike.

    Field names are the stored JSON keys. `long_text` is the mode for texts beyond the model's
    limit; "" truncates them. `configuration` is one line of JSON: architecture, activation, image
    size, pooling, context length, tokenizer and preprocessing, by field; "" where it is unknown, as
    in passports stored before it was recorded.
    """

    model: str
    weights: str
    preprocessing: str
    d: int
    normalised: bool = True
    backend: str = "torch"
    version: str = ""
    long_text: str = ""
    configuration: str = ""

    @property
    def key(self) -> str:
        """Name of the vector table: same key, same vectors. Backend and version do not count."""
        # "" adds nothing, so that keys of tables older than a field still match.
        mode = [self.long_text] if self.long_text else []
        own = [self.identity] if self.configuration else []
        return digest(self.model, self.weights, self.preprocessing, str(self.d), *mode, *own)[:12]

    @property
    def identity(self) -> str:
        """Digest of weights and configuration: the identity of an encoder."""
        return digest(self.weights, self.configuration)

    def check(self, other: Passport) -> None:
        """Reject an encoder that computes different vectors under the same name.

        Imported vectors have no digest of weights: only their dimension can be compared.

        Raises:
            PassportMismatch: what differs: dimension, weights, or fields of the configuration.
        """
        differences = self._differences(other)
        if differences:
            raise PassportMismatch(self.model, differences)

    def matches(self, other: Passport) -> bool:
        """Whether an encoder computes the same vectors, as far as it can be compared; see `check`.

        >>> Passport("m", "w", "p", 8).matches(Passport("m", "other weights", "p", 8))
        False
        """
        return not self._differences(other)

    def unchecked(self, other: Passport) -> str:
        """A sentence when an encoder's configuration cannot be compared; "" when it can.

        >>> Passport("m", "w", "p", 8).unchecked(Passport("m", "w", "p", 8))
        ''
        """
        if not self.weights or self.configuration or not other.configuration:
            return ""
        return (
            "The vectors were stored by an earlier version, without the encoder's configuration: "
            "weights and preprocessing are as they were, the configuration cannot be checked."
        )

    def _differences(self, other: Passport) -> list[tuple[str, str, str]]:
        """(what, stored, found) of everything that differs and can be compared."""
        if self.d != other.d:
            return [("number of dimensions", str(self.d), str(other.d))]
        if not self.weights:
            return []
        if self.weights != other.weights:
            return [("digest of the weights", self.weights[:12], other.weights[:12])]
        if self.configuration and other.configuration:
            old, new = json.loads(self.configuration), json.loads(other.configuration)
            return [
                (name, *(json.dumps(c[name]) if name in c else "the default" for c in (old, new)))
                for name in sorted({*old, *new})
                if old.get(name) != new.get(name)
            ]
        if self.preprocessing != other.preprocessing:
            return [("preprocessing", self.preprocessing, other.preprocessing)]
        return []

    def to_json(self) -> str:
        """One line of JSON, stored in the vector table's metadata."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Passport:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))
