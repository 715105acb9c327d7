"""Why an item answers a question: which places and words, which captions, and who comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.numerics.neighbors import cosines
from core.types import Bools, Floats, Ints, Space, Tokens

CAPTIONS = 5


@dataclass(frozen=True)
class Word:
    """What a word does to the cosine.

    `without` is what the cosine loses when the word is left out (negative: it gains). `share` is
    the word's exact part of the cosine where the encoder adds words up, else None. `place` is the
    cosine of the word alone with the place that fits it best, None where there are no places.
    """

    text: str
    without: float
    share: float | None
    place: float | None


@dataclass(frozen=True)
class Competitor:
    """The item just above in the ranking, or just below the best one.

    `ahead` is the cosine of the better one minus that of the other. `words` say how much of it each
    word makes; `turns` are words without any one of which the two would change places.
    """

    id: str
    above: bool
    ahead: float
    words: tuple[tuple[str, float], ...]
    turns: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Why an item answers a question; by cosine alone, among what passes the filters.

    `maps` has a (rows, columns) map of the places for the whole question ("") and for each word.
    Where `exact`, the whole's map sums to the cosine; all others are cosines of the places. `view`
    says which part of the picture they cover; see `Tokens`. `captions` are the texts nearest to a
    picture, and `fits_better` of all texts are nearer to it than the question. `note` says what is
    missing and why.
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
    fits_better: int | None = None
    rival: Competitor | None = None
    note: str = ""


@dataclass(frozen=True)
class ExplainedQuery:
    """A question as it is explained.

    Args:
        vector: (d,) the whole.
        words: its words; None for questions other than one text.
        without: (w, d) the question without each word that shows something.
        named: (w, d) each of these words as a text of its own, for the maps: in its sentence a word
            takes on so much of the others that "dog" may light up on the grass.
    """

    vector: Floats
    words: Tokens | None = None
    without: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    named: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))

    @property
    def additive(self) -> bool:
        """Whether the question is the sum of its words."""
        words = self.words
        if words is None or not words.additive:
            return False
        return bool(np.abs(words.weights @ words.vectors - self.vector).max() < 1e-3)


def explain(
    space: Space,
    row: int,
    asked: ExplainedQuery,
    *,
    allowed: Bools | None = None,
    places: Tokens | None = None,
    note: str = "",
) -> Explanation:
    """Why the item in a row answers a question.

    Args:
        space: where the item and its rivals are.
        row: the item's.
        asked: the question.
        allowed: (n,) rows that may be found; all without.
        places: the item's places, when it is a picture and the encoder has them.
        note: what is missing and why.
    """
    image = row < space.n_images
    span = space.span("image" if image else "text")
    candidates = np.arange(span.start, span.stop)
    if allowed is not None:
        candidates = candidates[allowed[span] | (candidates == row)]
    scores = cosines(space.vectors[candidates], asked.vector)
    order = candidates[np.argsort(-scores, kind="stable")]
    at = int(np.flatnonzero(order == row)[0])
    item = space.vectors[row]
    captions, better = _captions(space, item, asked) if image else ((), None)
    return Explanation(
        id=space.ids[row],
        cosine=float(asked.vector @ item),
        rank=at + 1,
        n=len(order),
        maps=_maps(asked, places) if places else {},
        exact=bool(places and places.additive),
        view=places.view if places else "whole",
        words=_words(asked, item, places),
        captions=captions,
        fits_better=better,
        rival=_competitor(space, order, at, asked),
        note=note,
    )


def _maps(asked: ExplainedQuery, places: Tokens) -> dict[str, Floats]:
    whole = places.shares(asked.vector) if places.additive else places.vectors @ asked.vector
    maps = {"": whole.reshape(places.grid)}
    if asked.words is not None:
        spoken = asked.words.content_words()
        for word, vector in zip(spoken.words, asked.named, strict=True):
            maps.setdefault(word, (places.vectors @ vector).reshape(places.grid))
    return maps


def _words(asked: ExplainedQuery, item: Floats, places: Tokens | None) -> tuple[Word, ...]:
    if asked.words is None:
        return ()
    spoken = asked.words.content_words()
    best = (asked.named @ places.vectors.T).max(axis=1) if places else None
    shares = spoken.shares(item) if asked.additive else None
    drops = asked.vector @ item - asked.without @ item
    return tuple(
        Word(
            word,
            float(drops[i]),
            None if shares is None else float(shares[i]),
            None if best is None else float(best[i]),
        )
        for i, word in enumerate(spoken.words)
    )


def _captions(
    space: Space, item: Floats, asked: ExplainedQuery
) -> tuple[tuple[tuple[str, float], ...], int | None]:
    """The texts nearest to a picture, and how many are nearer to it than the question."""
    found = cosines(space.texts, item)
    order = np.argsort(-found, kind="stable")[:CAPTIONS]
    better = int((found > asked.vector @ item + 1e-6).sum()) if asked.words and len(found) else None
    return tuple((space.ids[space.n_images + i], float(found[i])) for i in order.tolist()), better


def _competitor(space: Space, order: Ints, at: int, asked: ExplainedQuery) -> Competitor | None:
    """Who stands just above, or below the first; and what between the two a word decides."""
    if len(order) < 2:
        return None
    other = int(order[at - 1] if at else order[1])
    first, second = space.vectors[order[max(at - 1, 0)]], space.vectors[order[max(at, 1)]]
    apart = first - second
    ahead = float(asked.vector @ apart)
    words: Sequence[tuple[str, float]] = ()
    turns: tuple[str, ...] = ()
    if asked.words is not None:
        spoken = asked.words.content_words()
        after = asked.without @ apart
        parts = spoken.shares(apart) if asked.additive else ahead - after
        words = list(zip(spoken.words, map(float, parts), strict=True))
        turns = tuple(w for w, a in zip(spoken.words, after.tolist(), strict=True) if a < 0)
    return Competitor(
        space.ids[other], at > 0, ahead, tuple(sorted(words, key=lambda w: -w[1])), turns
    )
