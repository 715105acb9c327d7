"""Search of kept codes in two steps: estimated scores of all rows, full vectors of the best.

Codes are in memory and scored as they are; of the full vectors only those of the shortlist are
read. So a collection is searched whose vectors are on disk (`core.store.rows_file`). In blocks: the
scores of one stay in the processor's cache, and few of them exceed the worst that is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.improve import Compressed, compressed, compressed_from_bytes, taken
from core.numerics.neighbors import select
from core.search.index import two_bit
from core.types import Bools, Floats, Ints, Kind, Space, SpaceCache, digest

if TYPE_CHECKING:
    from core.store import EncodedCollection

BLOCK = 1 << 19  # rows scored at a time
MOST = 0.5  # share of them that are allowed
WIDER = 2  # times as many rows by coarse scores, from which scores choose
_CODES = SpaceCache(2)  # few: each is a collection's codes in memory


@dataclass(frozen=True)
class CodeIndex:
    """Kept codes, and how many of the best by them are rescored.

    Args:
        codes: of all rows of the space that is searched.
        shortlist: rows of each kind that full vectors rescore; measured on held-out queries.
        sentence: what was measured of it.
        preferred: (field, value) of attributes that a query prefers.
    """

    codes: Compressed
    shortlist: int
    sentence: str
    preferred: tuple[tuple[str, str], ...] = ()

    @property
    def by_cosine(self) -> CodeIndex:
        """The same without a preference."""
        return replace(self, preferred=()) if self.preferred else self

    def top_k(
        self,
        space: Space,
        query: Floats,
        kind: Kind,
        k: int,
        *,
        offset: Floats | None,
        mask: Bools,
    ) -> tuple[Ints, Floats]:
        """The k best allowed rows among those that codes rank first, by exact scores."""
        chosen, asked, most = [], query[None], max(self.shortlist, 2 * k)
        offset = np.zeros(space.n, np.float32) if offset is None else offset
        if self.preferred:
            asked = self.codes.fitted.preferring(asked, self.preferred)
            offset = offset.copy()
        for of, codes in self.codes.codes.items():
            span = space.span(of)
            first = self._first(of, asked, kind, most, offset[span], mask[span])
            if self.preferred:
                beside = taken(codes, first)["code"][:, space.d :].astype(np.float32)
                offset[first + span.start] -= beside @ asked[0, space.d :]
            chosen.append(first + span.start)
        rows = np.concatenate(chosen)
        return two_bit.rescored(space, query, rows, min(k, len(rows)), offset)

    def _first(
        self, of: Kind, asked: Floats, kind: Kind, most: int, offset: Floats, mask: Bools
    ) -> Ints:
        """The best allowed rows of a kind by codes, by their number in it."""
        codes, score = self.codes.codes[of], self.codes.fitted.scores
        found, best, least = np.empty(0, np.int64), np.empty(0, np.float32), -np.inf
        for start in range(0, len(mask), BLOCK):
            part = slice(start, start + BLOCK)
            allowed = np.count_nonzero(mask[part])
            if not allowed:
                continue
            # Most codes are scored where they lie, with a few too many; few are copied out.
            whole = allowed > MOST * len(mask[part])
            some = part if whole else start + np.flatnonzero(mask[part])
            scores = score(asked, kind, taken(codes, some), of, coarse=True)[0]
            scores -= offset[some]
            if isinstance(some, slice):
                at = np.flatnonzero((scores >= least) & mask[part])
                rows = start + at
            else:
                at = np.flatnonzero(scores >= least)
                rows = some[at]
            order, values = select(np.append(best, scores[at])[None], WIDER * most)
            found, best = np.append(found, rows)[order[0]], values[0]
            least = best[-1] if len(best) == WIDER * most else least
        scores = score(asked, kind, taken(codes, found), of)[0] - offset[found]
        return found[select(scores[None], most)[0][0]]


def kept_name(opened: EncodedCollection) -> str:
    """Under which name codes of these vectors are kept."""
    return f"{opened.passport.key} {opened.recipe}".strip()


def codes_key(space: Space) -> str:
    """Identity of what codes are made of: the vectors, and the attributes where it has some."""
    beside = [space.attributes.key] if space.attributes else []
    return digest(space.rows_key, *beside)


def has_kept_codes(opened: EncodedCollection) -> bool:
    """Whether codes of these vectors are kept."""
    return opened.collection.artifacts.compressed_report(kept_name(opened)) is not None


def kept_codes(opened: EncodedCollection) -> CodeIndex:
    """The kept codes of a collection; rows that came or changed since are encoded anew.

    Raises:
        InputError: none are kept for these vectors.
        PassportMismatch: the encoder has changed since.
    """
    stored, name = opened.collection.artifacts, kept_name(opened)
    report = stored.compressed_report(name)
    if report is None:
        raise InputError(
            "No compressed vectors are kept for this collection and encoder. Keep some first: "
            f"sextant compress {opened.name} --keep int8"
        )

    def load() -> Compressed:
        data = stored.read_compressed(name) or b""
        found = compressed_from_bytes(data, opened.passport, opened.space.steps)
        space = opened.with_attributes() if found.fitted.table else opened.space
        if report["rows"] == codes_key(space):
            return found
        return compressed(space, found.fitted, found.way)

    # The version changes with the attributes, which would take long to compare for each query.
    state = opened.version if report.get("attributes") else opened.space.rows_key
    codes: Compressed = _CODES.get((state, name, report["way"], report.get("file", "")), load)
    return CodeIndex(codes, report["shortlist"], report["sentence"])
