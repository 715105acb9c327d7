"""A hubness correction of a space, fitted on the collection itself: one score bias per item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.errors import TooFew
from core.improve.hub_corrections import HUB_CORRECTIONS, QueryBank
from core.numerics.sampling import groups, half_of_groups
from core.registry import Plugin
from core.types import KINDS, Bools, Doubles, Floats, Ints, Kind, Space, SpaceCache, per_space

MOST, LEAST = 20_000, 2_000  # rows of a bank; beyond them a random sample
WORK = 5e11  # floating-point operations per bank, above which it becomes smaller
BLOCK = 1 << 23  # cosines in memory at a time
_SPACES = SpaceCache(4)  # few: each holds the vectors of its collection in memory


def corrected(
    space: Space,
    name: str,
    *,
    query_kind: Kind | None = None,
    held_out: Bools | None = None,
    **settings: Any,
) -> Space:
    """The same space with a hubness correction as its score bias; once per space and settings.

    The bank is a sample of the collection: its texts where images are ranked, its images where
    texts are. The item itself and its own captions are not in its bank: they show that it is
    retrieved, not that it is a hub. A bank has at most 20,000 rows and fewer (2,000 at least) where
    that would take minutes; the sample's size is in `Space.steps`.

    Args:
        space: at least one item of each kind that is not held out.
        name: of the correction.
        query_kind: the query modality; without it, the other kind where there is one.
        held_out: (n,) rows that must not be in a bank, such as the queries of a test.
        settings: of the correction.

    Raises:
        UnknownName: no such correction.
        TooFew: all items of a kind are held out.
    """
    part = HUB_CORRECTIONS.get(name)
    packed = b"" if held_out is None else np.packbits(held_out).tobytes()
    fit = (part.name, query_kind, packed, tuple(sorted(settings.items())))

    def make() -> Space:
        bias, step = _fitted(space, *fit)
        return space.biased(bias, step)

    return _SPACES.get((space.key, fit), make)


def random_half(space: Space) -> Bools:
    """(n,) a random half of the items, pairs together: the held-out half of an evaluation."""
    return half_of_groups(groups(space), np.random.default_rng(0))


@per_space
def _fitted(
    space: Space,
    /,
    name: str,
    query_kind: Kind | None,
    packed: bytes,
    settings: tuple[tuple[str, Any], ...],
) -> tuple[Floats, str]:
    """(n,) biases, and a sentence on the sample they were fitted on."""
    part = HUB_CORRECTIONS.get(name)
    held_out = np.unpackbits(np.frombuffer(packed, np.uint8), count=space.n if packed else 0)
    usable = np.flatnonzero(~held_out.astype(bool)) if packed else np.arange(space.n)
    kinds = [kind for kind in KINDS if space.span(kind).stop > space.span(kind).start]
    banks = {kind: _sampled(space, kind, usable) for kind in kinds}
    if not all(map(len, banks.values())):
        raise TooFew("A hubness correction", 1, "items to fit on", 0, "Search without it.")
    biases = np.zeros(space.n, np.float32)
    for kind in banks:
        other: Kind = "text" if kind == "image" else "image"
        queries = banks.get(query_kind or other, banks[kind])
        biases[space.span(kind)] = _biases(space, part, kind, queries, banks[kind], dict(settings))
    sizes = " and ".join(
        f"{len(rows):,} of {space.span(kind).stop - space.span(kind).start:,} {kind}s"
        for kind, rows in banks.items()
    )
    return biases, f"{part.title}, fitted on {sizes}"


def _sampled(space: Space, kind: Kind, usable: Ints) -> Ints:
    """Rows of a kind for a bank, sorted."""
    span = space.span(kind)
    rows = usable[(usable >= span.start) & (usable < span.stop)]
    most = int(np.clip(WORK / (2 * space.n * space.d), LEAST, MOST))
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def _biases(
    space: Space,
    part: Plugin[Callable[..., Doubles]],
    kind: Kind,
    query_rows: Ints,
    item_rows: Ints,
    settings: dict[str, Any],
) -> Doubles:
    """(m,) biases of the items of a kind; those whose bank is empty get the mean."""
    span = space.span(kind)
    own_queries, own_items = _own(space, query_rows), _own(space, item_rows)
    known = np.ones(space.n, bool)
    for sample, own in ((query_rows, own_queries), (item_rows, own_items)):
        known &= np.bincount(own[:, 0], minlength=space.n) < len(sample)
    rows = np.flatnonzero(known[span]) + span.start
    step = max(1, BLOCK // max(1, len(query_rows)))
    queries, items = space.vectors[query_rows], space.vectors[item_rows]
    blocks = []
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        bank = QueryBank(
            space.vectors[block],
            queries,
            items,
            _among(own_queries, block),
            _among(own_items, block),
        )
        blocks.append(part(bank, **settings))
    bias = np.zeros(span.stop - span.start)
    if blocks:
        values = np.concatenate(blocks)
        bias[:] = values.mean()
        bias[rows - span.start] = values
    return bias


def _own(space: Space, bank: Ints) -> Ints:
    """(p, 2) row of an item and place in the bank of itself or a partner, sorted by row."""
    place = np.full(space.n, -1)
    place[bank] = np.arange(len(bank))
    itself = np.column_stack([bank, bank])
    links = np.concatenate([itself, space.pairs, space.pairs[:, ::-1]])
    entries = np.column_stack([links[:, 0], place[links[:, 1]]])
    own: Ints = np.unique(entries[entries[:, 1] >= 0], axis=0)
    return own


def _among(own: Ints, block: Ints) -> Ints:
    """The entries of a sorted block of rows, as rows of that block."""
    own = own[slice(*np.searchsorted(own[:, 0], [block[0], block[-1] + 1]))]
    place = np.searchsorted(block, own[:, 0])
    inside = block[place] == own[:, 0]
    return np.column_stack([place[inside], own[inside, 1]])
