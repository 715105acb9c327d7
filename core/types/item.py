"""What items are: pictures and texts, and what was said about them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from core.errors import PassportMismatch
from core.types.arrays import Kind, Value


def digest(*parts: bytes | memoryview | str) -> str:
    """Identity of content: 32 hex digits. Parts are length-prefixed: they cannot run together.

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
    """One picture or one text.

    `payload` is the picture's file bytes or the text's UTF-8; it may be empty when only a vector is
    known. `id` is the digest of kind and payload unless the user brought an id of their own.
    `source` says where the original lies: a path, or "" when the store keeps a copy.
    """

    kind: Kind
    payload: bytes
    name: str
    source: str = ""
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, Value] = field(default_factory=dict)
    id: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", digest(self.kind, self.payload))

    @property
    def text(self) -> str:
        """The text of a text item."""
        return self.payload.decode("utf-8")


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that was not taken in, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passport:
    """How vectors came to be; stored with every vector table so that queries are encoded alike.

    `long_text` says how texts beyond the model's limit were read; "": what was beyond was left out.
    """

    model: str
    weights: str
    preprocessing: str
    d: int
    normalised: bool = True
    backend: str = "torch"
    version: str = ""
    long_text: str = ""

    @property
    def key(self) -> str:
        """Names the vector table: same key, same vectors. Backend and version do not count."""
        read = (
            [self.long_text] if self.long_text else []
        )  # keys from before there was a choice stay
        return digest(self.model, self.weights, self.preprocessing, str(self.d), *read)[:12]

    def check(self, found: Passport) -> None:
        """Refuse an encoder that would make other vectors under the same name.

        Vectors that a person brought carry no digest of weights: there only the dimension can be
        held against the encoder.

        Raises:
            PassportMismatch: the first field in which they differ.
        """
        for name in ("d", "weights", "preprocessing") if self.weights else ("d",):
            old, new = getattr(self, name), getattr(found, name)
            if old != new:
                raise PassportMismatch(self.model, name, old, new)

    def to_json(self) -> str:
        """One line of JSON, stored in the vector table's metadata."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Passport:
        """The inverse of `to_json`."""
        return cls(**json.loads(text))
