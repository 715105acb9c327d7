"""A hub correction of a space, learnt from the collection itself, as one score bias per item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.errors import TooFew
from core.improve.hub_corrections import HUB_CORRECTIONS, QueryBank
from core.numerics.sampling import groups
from core.registry import Plugin
from core.types import Bools, Doubles, Floats, Ints, Kind, Space, SpaceCache, per_space

MOST, LEAST = 20_000, 2_000  # rows of a bank; beyond them a random sample
WORK = 5e11  # floating-point operations that a bank may cost before it is made smaller
BLOCK = 1 << 23  # cosines held at a time
_SPACES = SpaceCache(4)  # few: each keeps the vectors of its collection in memory


def corrected(
    space: Space,
    name: str,
    *,
    asker: Kind | None = None,
    barred: Bools | None = None,
    **settings: Any,
) -> Space:
    """The same space with a hub correction as its score bias; computed once per space and settings.

    The bank is taken from the collection itself: its texts where pictures are ranked, its pictures
    where texts are. An item's own captions, and the item itself, are not in its bank: they say that
    it can be found, not that it is a hub. A bank has at most 20,000 rows and fewer (2,000 at least)
    where that would take minutes; what is left is a random sample, which `Space.steps` tells.

    Args:
        space: at least one item beside those barred.
        name: of the correction.
        asker: the kind that queries have; without it, the other kind where there is one.
        barred: (n,) rows that must not be in a bank, such as the queries of a test.
        settings: of the correction.

    Raises:
        UnknownName: no such correction.
        TooFew: everything of a kind is barred.
    """
    part = HUB_CORRECTIONS.get(name)
    closed = b"" if barred is None else np.packbits(barred).tobytes()
    taught = (part.name, asker, closed, tuple(sorted(settings.items())))

    def make() -> Space:
        bias, step = _learnt(space, *taught)
        return space.biased(bias, step)

    return _SPACES.get((space.key, taught), make)


def random_half(space: Space) -> Bools:
    """(n,) a random half of the items, what is paired together: to judge what the rest taught."""
    group = groups(space)
    drawn = np.random.default_rng(0).permutation(int(group.max(initial=-1)) + 1)
    return drawn[group] % 2 == 0


@per_space
def _learnt(
    space: Space,
    /,
    name: str,
    asker: Kind | None,
    closed: bytes,
    settings: tuple[tuple[str, Any], ...],
) -> tuple[Floats, str]:
    """(n,) biases, and what they were learnt from, in words."""
    part = HUB_CORRECTIONS.get(name)
    barred = np.unpackbits(np.frombuffer(closed, np.uint8), count=space.n if closed else 0)
    open_rows = np.flatnonzero(~barred.astype(bool)) if closed else np.arange(space.n)
    banks = {kind: _drawn(space, kind, open_rows) for kind in _kinds(space)}
    if not all(map(len, banks.values())):
        raise TooFew("A hub correction", 1, "items to learn from", 0, "Search without it.")
    biases = np.zeros(space.n, np.float32)
    for kind in banks:
        other: Kind = "text" if kind == "image" else "image"
        asking = banks.get(asker or other, banks[kind])
        biases[space.span(kind)] = _biases(space, part, kind, asking, banks[kind], dict(settings))
    sizes = " and ".join(
        f"{len(rows):,} of {space.span(kind).stop - space.span(kind).start:,} {kind}s"
        for kind, rows in banks.items()
    )
    return biases, f"{part.title}, learnt from {sizes}"


def _kinds(space: Space) -> list[Kind]:
    both: tuple[Kind, Kind] = ("image", "text")
    return [kind for kind in both if space.span(kind).stop > space.span(kind).start]


def _drawn(space: Space, kind: Kind, open_rows: Ints) -> Ints:
    """Rows of a kind that make up a bank, sorted."""
    span = space.span(kind)
    rows = open_rows[(open_rows >= span.start) & (open_rows < span.stop)]
    most = int(np.clip(WORK / (2 * space.n * space.d), LEAST, MOST))
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _biases(
    space: Space,
    part: Plugin[Callable[..., Doubles]],
    kind: Kind,
    asking: Ints,
    alike: Ints,
    settings: dict[str, Any],
) -> Doubles:
    """(m,) biases of the items of a kind; those with nothing to learn from get the mean."""
    span = space.span(kind)
    own_queries, own_items = _own(space, asking), _own(space, alike)
    known = np.ones(space.n, bool)
    for among, own in ((asking, own_queries), (alike, own_items)):
        known &= np.bincount(own[:, 0], minlength=space.n) < len(among)
    rows = np.flatnonzero(known[span]) + span.start
    step = max(1, BLOCK // max(1, len(asking)))
    queries, items = space.vectors[asking], space.vectors[alike]
    found = []
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        bank = QueryBank(
            space.vectors[block],
            queries,
            items,
            _among(own_queries, block),
            _among(own_items, block),
        )
        found.append(part(bank, **settings))
    bias = np.zeros(span.stop - span.start)
    if found:
        values = np.concatenate(found)
        bias[:] = values.mean()
        bias[rows - span.start] = values
    return bias


def _own(space: Space, bank: Ints) -> Ints:
    """(p, 2) row of an item and place in the bank of what is itself or its partner, by row."""
    place = np.full(space.n, -1)
    place[bank] = np.arange(len(bank))
    itself = np.column_stack([bank, bank])
    links = np.concatenate([itself, space.pairs, space.pairs[:, ::-1]])
    found = np.column_stack([links[:, 0], place[links[:, 1]]])
    own: Ints = np.unique(found[found[:, 1] >= 0], axis=0)
    return own


def _among(own: Ints, block: Ints) -> Ints:
    """The entries of a sorted block of rows, as rows of that block."""
    own = own[slice(*np.searchsorted(own[:, 0], [block[0], block[-1] + 1]))]
    place = np.searchsorted(block, own[:, 0])
    kept = block[place] == own[:, 0]
    return np.column_stack([place[kept], own[kept, 1]])
