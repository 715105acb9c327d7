"""Subsets of a space: one kind, selected items, the rest; a selection as a text for a link."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable

import numpy as np

from core.types import Bools, Ints, Kind, Space, digest, per_space

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


def pack_rows(space: Space, rows: Ints) -> str:
    """Rows of a space as a text for a link, with the collection's state.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> unpack_rows(space, pack_rows(space, np.array([2, 0]))).tolist()
    [0, 2]
    """
    mask = np.zeros(space.n, bool)
    mask[np.asarray(rows, np.int64)] = True
    bits = zlib.compress(np.packbits(mask).tobytes(), 9)
    return f"{_state(space)}.{urlsafe_b64encode(bits).decode().rstrip('=')}"


def unpack_rows(space: Space, text: str) -> Ints | None:
    """The inverse of `pack_rows`; None for a text of another collection or any other text.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> print(unpack_rows(space, "nonsense"))
    None
    """
    state, _, packed = text.partition(".")
    if state != _state(space):
        return None
    reader = zlib.decompressobj()
    try:
        data = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        bits = reader.decompress(data, space.n // 8 + 2)
    except (NotBase64, ValueError, zlib.error):
        return None
    if not reader.eof or len(bits) != -(-space.n // 8):
        return None
    return np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8))[: space.n])


def pack_ids(space: Space, ids: Iterable[str]) -> str:
    """Items by id as a text for a link, "" when it is too long; see `pack_rows`."""
    text = pack_rows(space, np.flatnonzero(_mask(space, ids)))
    return text if len(text) <= LONGEST else ""


def unpack_ids(space: Space, text: str) -> tuple[str, ...] | None:
    """The inverse of `pack_ids`; None for a text of another collection or any other text.

    >>> space = Space(np.eye(3, dtype=np.float32), ("a", "b", "t"), 2)
    >>> unpack_ids(space, pack_ids(space, ["t", "gone", "a"]))
    ('a', 't')
    """
    rows = unpack_rows(space, text) if len(text) <= LONGEST else None
    return None if rows is None else tuple(space.ids[row] for row in rows)


def _mask(space: Space, ids: Iterable[str]) -> Bools:
    mask = np.zeros(space.n, bool)
    mask[[space.row[id_] for id_ in ids if id_ in space.row]] = True
    return mask


@per_space
def _state(space: Space) -> str:
    """Identity of the items, whatever encoder computed their vectors."""
    return digest("\n".join(space.ids), str(space.n_images))[:8]
