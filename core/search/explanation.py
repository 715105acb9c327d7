"""Why an item is a result of a query: patches, words, captions, and the next item ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

import numpy as np

from core.numerics.neighbors import cosines
from core.types import Bools, Floats, Ints, Space, Tokens

CAPTIONS = 5


@dataclass(frozen=True)
class Word:
    """The effect of one word of the query on the cosine.

    Args:
        text: the word.
        drop: what the cosine loses when the word is left out; negative: it gains.
        share: its exact part of the cosine where the encoder is additive, else None.
        best_patch: the highest cosine of the word alone with a patch; None without patches.
    """

    text: str
    drop: float
    share: float | None
    best_patch: float | None


@dataclass(frozen=True)
class Competitor:
    """The item just above in the ranking, or just below the first.

    Args:
        id: of that item; `above` says where it is.
        margin: cosine of the higher of the two items minus that of the lower.
        words: the part of the margin that each word contributes, largest first.
        decisive: words without any one of which the two would swap ranks.
    """

    id: str
    above: bool
    margin: float
    words: tuple[tuple[str, float], ...]
    decisive: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Why an item is a result of a query, by cosine alone, among what passes the filters.

    Args:
        id: of the item; `rank` is its rank among `n` candidates of its kind.
        cosine: with the query.
        p_null: the probability that an unrelated item of its kind is as similar.
        probability: P(match); NaN where nothing calibrates it. Both are set by the caller.
        maps: (rows, columns) similarity of the patches to the whole query ("") and to each word.
        exact: whether the map of the whole query sums to the cosine; all others are cosines.
        view: the part of the image that the patches cover; see `Tokens`.
        words: the effect of each word.
        captions: ids and cosines of the texts nearest to an image.
        closer_texts: how many texts are nearer to it than the query; None for other queries.
        competitor: the next item in the ranking.
        note: what is missing and why.
    """

    id: str
    cosine: float
    rank: int
    n: int
    maps: Mapping[str, Floats] = field(default_factory=dict)
    exact: bool = False
    view: str = "whole"
    words: tuple[Word, ...] = ()
    captions: tuple[tuple[str, float], ...] = ()
    closer_texts: int | None = None
    competitor: Competitor | None = None
    note: str = ""
    p_null: float = nan
    probability: float = nan


@dataclass(frozen=True)
class ExplainedQuery:
    """A query as it is explained.

    Args:
        vector: (d,) the whole query.
        tokens: its text tokens; None for queries other than one text.
        leave_one_out: (w, d) the query without each of its content words.
        words: (w, d) each content word as a text of its own, for the maps: within its sentence a
            word depends so much on the others that "dog" may light up on the grass.
    """

    vector: Floats
    tokens: Tokens | None = None
    leave_one_out: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    words: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))

    @property
    def additive(self) -> bool:
        """Whether the query's vector is the weighted sum of its tokens."""
        tokens = self.tokens
        if tokens is None or not tokens.additive:
            return False
        return bool(np.abs(tokens.weights @ tokens.vectors - self.vector).max() < 1e-3)


def explain(
    space: Space,
    row: int,
    query: ExplainedQuery,
    *,
    allowed: Bools | None = None,
    patches: Tokens | None = None,
    note: str = "",
) -> Explanation:
    """Why the item in a row is a result of a query.

    Args:
        space: where the item and its competitors are.
        row: the item's.
        query: the query.
        allowed: (n,) rows that may be found; all without.
        patches: the item's patch tokens, when it is an image and the encoder has them.
        note: what is missing and why.
    """
    image = row < space.n_images
    span = space.span("image" if image else "text")
    candidates = np.arange(span.start, span.stop)
    if allowed is not None:
        candidates = candidates[allowed[span] | (candidates == row)]
    scores = cosines(space.vectors[span], query.vector)[candidates - span.start]
    order = candidates[np.argsort(-scores, kind="stable")]
    at = int(np.flatnonzero(order == row)[0])
    item = space.vectors[row]
    captions, closer = _captions(space, item, query) if image else ((), None)
    return Explanation(
        id=space.ids[row],
        cosine=float(query.vector @ item),
        rank=at + 1,
        n=len(order),
        maps=_maps(query, patches) if patches else {},
        exact=bool(patches and patches.additive),
        view=patches.view if patches else "whole",
        words=_words(query, item, patches),
        captions=captions,
        closer_texts=closer,
        competitor=_competitor(space, order, at, query),
        note=note,
    )


def _maps(query: ExplainedQuery, patches: Tokens) -> dict[str, Floats]:
    whole = patches.shares(query.vector) if patches.additive else patches.vectors @ query.vector
    maps = {"": whole.reshape(patches.grid)}
    if query.tokens is not None:
        content = query.tokens.content_words()
        for word, vector in zip(content.words, query.words, strict=True):
            maps.setdefault(word, (patches.vectors @ vector).reshape(patches.grid))
    return maps


def _words(query: ExplainedQuery, item: Floats, patches: Tokens | None) -> tuple[Word, ...]:
    if query.tokens is None:
        return ()
    content = query.tokens.content_words()
    best = (query.words @ patches.vectors.T).max(axis=1) if patches else None
    shares = content.shares(item) if query.additive else None
    drops = query.vector @ item - query.leave_one_out @ item
    return tuple(
        Word(
            word,
            float(drops[i]),
            None if shares is None else float(shares[i]),
            None if best is None else float(best[i]),
        )
        for i, word in enumerate(content.words)
    )


def _captions(
    space: Space, item: Floats, query: ExplainedQuery
) -> tuple[tuple[tuple[str, float], ...], int | None]:
    """The texts nearest to an image, and how many are nearer to it than the query."""
    values = cosines(space.texts, item)
    order = np.argsort(-values, kind="stable")[:CAPTIONS]
    closer = None
    if query.tokens and len(values):
        closer = int((values > query.vector @ item + 1e-6).sum())
    return tuple((space.ids[space.n_images + i], float(values[i])) for i in order.tolist()), closer


def _competitor(space: Space, order: Ints, at: int, query: ExplainedQuery) -> Competitor | None:
    """The item above the one at a rank, or below the first; and what each word contributes."""
    if len(order) < 2:
        return None
    other = int(order[at - 1] if at else order[1])
    higher, lower = space.vectors[order[max(at - 1, 0)]], space.vectors[order[max(at, 1)]]
    difference = higher - lower
    margin = float(query.vector @ difference)
    words: Sequence[tuple[str, float]] = ()
    decisive: tuple[str, ...] = ()
    if query.tokens is not None:
        content = query.tokens.content_words()
        rest = query.leave_one_out @ difference
        parts = content.shares(difference) if query.additive else margin - rest
        words = list(zip(content.words, map(float, parts), strict=True))
        decisive = tuple(w for w, r in zip(content.words, rest.tolist(), strict=True) if r < 0)
    return Competitor(
        space.ids[other], at > 0, margin, tuple(sorted(words, key=lambda w: -w[1])), decisive
    )
