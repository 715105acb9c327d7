"""One query against a collection: which rows are best, and what all the others look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.numerics.neighbors import cosines, select
from core.search.index import ivf, two_bit
from core.types import Bools, Doubles, Floats, Ints, Kind, Space

SAMPLE = 20_000  # cosines of each kind that stand for the rest in a large collection
PLAIN = 1000  # hits of which it is known exactly where the cosine alone would put them


@dataclass(frozen=True)
class Candidates:
    """What comparing a query with the allowed rows gave.

    Args:
        rows: (m,) the best rows, by score; `scores` (m,) are their cosines without the bias.
        background: cosines of the allowed rows of each kind: all, or a sample of them.
        sizes: number of allowed rows of each kind.
        how: what was done, in words.
        best: the highest cosines, in order, where `background` is a sample.
        every: (n,) cosines of all rows, where they were computed.
    """

    space: Space
    vector: Floats
    rows: Ints
    scores: Floats
    background: Mapping[Kind, Floats]
    sizes: Mapping[Kind, int]
    how: str
    best: Floats | None = None
    every: Floats | None = None

    def cosines(self, rows: Ints) -> Floats:
        """Exact cosines of some rows."""
        if self.every is None:
            return two_bit.cosines_of(self.space, self.vector, rows)
        return self.every[rows]

    def rank(self, cosine: float) -> int:
        """Where the cosine alone would put an item; beyond the first 1000 an estimate."""
        if self.best is not None and len(self.best) and cosine >= self.best[-1]:
            return 1 + int((self.best > cosine).sum())
        above = [
            self.sizes[kind] * float((found > cosine).mean())
            for kind, found in self.background.items()
            if len(found)
        ]
        return 1 + round(sum(above))

    def above(self, least: Mapping[Kind, float]) -> int:
        """How many allowed rows reach the least cosine of their kind.

        Exact where every cosine is known or the best reach below the cut; else an estimate.
        """
        estimate = round(
            sum(self.sizes[k] * _share(x, least[k]) for k, x in self.background.items())
        )
        if self.best is None:
            return estimate
        covered = len(self.best) > 0 and min(least.values()) >= self.best[-1]
        if covered and len(least) == 1:
            return int((self.best >= min(least.values())).sum())
        kinds: list[Kind] = ["image" if row < self.space.n_images else "text" for row in self.rows]
        floor = np.array([least[kind] for kind in kinds])
        among = int((self.cosines(self.rows) >= floor).sum())
        return among if covered and not self.space.offset.any() else max(among, estimate)

    def counts(self, edges: Doubles) -> dict[Kind, Doubles]:
        """Histogram of the cosines of each kind; of a sample, scaled to what it stands for."""
        return {
            kind: np.histogram(found, edges)[0] * (self.sizes[kind] / max(1, len(found)))
            for kind, found in self.background.items()
        }


def find_candidates(
    space: Space,
    vector: Floats,
    allowed: Bools,
    kinds: tuple[Kind, ...],
    k: int,
    *,
    approximate: bool = False,
) -> Candidates:
    """The k best of the allowed rows: by every cosine, or in two steps where that is quicker.

    `approximate` all of them will do: then a large collection's nearest cells are enough.
    """
    of_kind = {kind: allowed[space.span(kind)] for kind in kinds}
    sizes = {kind: int(np.count_nonzero(mask)) for kind, mask in of_kind.items()}
    if two_bit.pays(space):
        # What the cells hold was measured by cosine alone: with a bias the search stays exact.
        approximate = approximate and not space.offset.any() and ivf.usable(space, allowed)
        return _in_two_steps(space, vector, allowed, of_kind, sizes, k, approximate)
    every = cosines(space.vectors, vector)
    scores = np.where(allowed, every - space.offset, -np.inf).astype(np.float32)[None]
    found = select(scores, min(k, sum(sizes.values())))
    background = {kind: every[space.span(kind)][mask] for kind, mask in of_kind.items()}
    how = f"All {sum(sizes.values()):,} items were compared."
    return Candidates(space, vector, found[0][0], found[1][0], background, sizes, how, every=every)


def _in_two_steps(
    space: Space,
    vector: Floats,
    allowed: Bools,
    of_kind: Mapping[Kind, Bools],
    sizes: Mapping[Kind, int],
    k: int,
    approximate: bool,
) -> Candidates:
    if approximate:
        rows, scores = ivf.top_k(space, vector, k, mask=allowed)
    else:
        rows, scores = two_bit.top_k(space, vector, k, offset=space.offset, mask=allowed)
    best = scores
    if space.offset.any():
        best = two_bit.top_k(space, vector, max(k, PLAIN), mask=allowed)[1]
    background = {
        kind: two_bit.cosines_of(space, vector, _spread(mask) + space.span(kind).start)
        for kind, mask in of_kind.items()
    }
    done = _looked(space) if approximate else "in two steps, exactly"
    how = (
        f"The best of {sum(sizes.values()):,} items were found {done}; what is "
        f"unrelated was judged by a sample of {sum(map(len, background.values())):,}."
    )
    return Candidates(space, vector, rows, scores, background, sizes, how, best)


def _looked(space: Space) -> str:
    """How the inverted file finds, and how well."""
    made = ivf.inverted_file(space)
    return (
        f"among the {made.share:.1%} in the cells nearest to the query (inverted file), which hold "
        f"{made.recall:.1%} ({made.low:.1%} to {made.high:.1%}) of the true ten nearest of "
        f"{made.asked:,} of its own items"
    )


def _share(found: Floats, least: float) -> float:
    return float((found >= least).mean()) if len(found) else 0.0


def _spread(mask: Bools) -> Ints:
    """At most `SAMPLE` of the allowed rows: one, drawn at random, of each stretch of them."""
    rows = np.flatnonzero(mask)
    step = -(-len(rows) // SAMPLE)
    if step <= 1:
        return rows
    starts = np.arange(0, len(rows), step)
    drawn = starts + np.random.default_rng(0).integers(0, step, len(starts))
    sample: Ints = rows[np.minimum(drawn, len(rows) - 1)]
    return sample
