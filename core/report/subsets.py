"""Subsets of a space: one kind, selected items, the rest; a selection as a text for a link."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable

import numpy as np

from core.types import Bools, Kind, Space, digest, per_space

LONGEST = 6_000  # characters: below the limit of browsers and servers for a whole address


def narrow_space(
    space: Space, *, kind: Kind | None = None, ids: Iterable[str] | None = None
) -> Space:
    """The items of one kind, or with these ids; all of them without either.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> narrow_space(space, kind="image").ids, narrow_space(space, ids=["t", "gone", "a"]).ids
    (('a', 'b'), ('a', 't'))
    """
    if kind is None and ids is None:
        return space
    chosen = np.ones(space.n, bool) if ids is None else _mask(space, ids)
    if kind is not None:
        outside = np.ones(space.n, bool)
        outside[space.span(kind)] = False
        chosen &= ~outside
    return space.subset(np.flatnonzero(chosen))


def rest_of_space(space: Space, part: Space) -> Space:
    """The items of a space that are not in a part of it.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> rest_of_space(space, narrow_space(space, kind="image")).ids
    ('t',)
    """
    return space.subset(np.flatnonzero(~_mask(space, part.ids)))


def pack_ids(space: Space, ids: Iterable[str]) -> str:
    """Selected items as a text for a link, with the collection's state; "" when too long.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> unpack_ids(space, pack_ids(space, ["t", "a"]))
    ('a', 't')
    """
    bits = zlib.compress(np.packbits(_mask(space, ids)).tobytes(), 9)
    text = f"{_state(space)}.{urlsafe_b64encode(bits).decode().rstrip('=')}"
    return text if len(text) <= LONGEST else ""


def unpack_ids(space: Space, text: str) -> tuple[str, ...] | None:
    """The inverse of `pack_ids`; None for a text of another collection or any other text.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> print(unpack_ids(space, "nonsense"))
    None
    """
    state, _, packed = text.partition(".")
    if state != _state(space) or len(text) > LONGEST:
        return None
    reader = zlib.decompressobj()
    try:
        data = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        bits = reader.decompress(data, space.n // 8 + 2)
    except (NotBase64, ValueError, zlib.error):
        return None
    if not reader.eof or len(bits) != -(-space.n // 8):
        return None
    chosen = np.unpackbits(np.frombuffer(bits, np.uint8))[: space.n]
    return tuple(space.ids[i] for i in np.flatnonzero(chosen))


def _mask(space: Space, ids: Iterable[str]) -> Bools:
    mask = np.zeros(space.n, bool)
    mask[[space.row[id_] for id_ in ids if id_ in space.row]] = True
    return mask


@per_space
def _state(space: Space) -> str:
    """Identity of the items, whatever encoder computed their vectors."""
    return digest("\n".join(space.ids), str(space.n_images))[:8]
