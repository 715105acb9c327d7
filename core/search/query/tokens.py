"""Token vectors of a query and of stored items, for the first stage and for rerankers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.ingest import decode, pool_tokens, pooling_of
from core.search.index.muvera import FixedEncoding, MuveraIndex, TokenCandidates
from core.search.query.encode import encoder_for
from core.search.query.mix import kind_of
from core.types import Floats, Ints, Kind, Part, Query, Space, SpaceCache

if TYPE_CHECKING:
    from core.store import EncodedCollection

BUDGET = 512 << 20  # bytes that the fixed encodings of one collection may take
# As published but for fewer cells, for few vectors an item: 2,564 bytes each, 256 MB for 100,000
# items. Where more than the budget are needed there are fewer repetitions.
BITS, INNER, REPEATS = 3, 16, 20
BLOCK = 20_000  # items read at a time

_INDEXES = SpaceCache(1)


def query_tokens(opened: EncodedCollection, query: Query) -> Floats:
    """(t, d) unit vectors of the tokens of a query's parts; subtracted parts have none.

    Raises:
        NoTokens: the encoder has no token vectors.
        NoTextSearch: the encoder is not available.
        UnreadableFile: an image of the query cannot be decoded.
    """
    found = [tokens for _, tokens in _of_parts(opened, query)]
    return np.concatenate([np.empty((0, opened.space.d), np.float32), *found])


def stored_tokens(opened: EncodedCollection) -> Callable[[Ints], Sequence[Floats]] | None:
    """From rows to stored token vectors; None where none are stored.

    An item without token vectors is represented by its own vector.
    """
    space, tokens, passport = opened.space, opened.collection.tokens, opened.passport
    if not tokens.any(passport):
        return None

    def read(rows: Ints) -> list[Floats]:
        ids = [space.ids[row] for row in rows.tolist()]
        stored = tokens.read(passport, ids)
        whole = zip(ids, rows.tolist(), strict=True)
        return [stored.get(id_, space.vectors[row : row + 1]) for id_, row in whole]

    return read


def token_candidates(opened: EncodedCollection, query: Query) -> TokenCandidates:
    """The first stage of a query by stored token vectors.

    Raises:
        InputError: none are stored, or there are more items than the budget allows.
        NoTokens: the encoder has no token vectors.
        NoTextSearch: the encoder is not available.
    """
    stored = stored_tokens(opened)
    if stored is None:
        raise InputError(
            "A first stage by token vectors needs some, and none are stored for this encoder. "
            "Store them: sextant tokens NAME"
        )
    parts = list(_of_parts(opened, query))
    index, means = _index(opened)
    centered = np.concatenate([tokens - means[kind] for kind, tokens in parts])
    return TokenCandidates(index, centered, np.concatenate([t for _, t in parts]), stored)


def token_warnings(query: Query) -> tuple[str, ...]:
    """Sentences on how a first stage by token vectors treats a query."""
    if query.first_stage != "muvera":
        return ()
    warnings = [
        "Candidates come from token vectors (MUVERA, then MaxSim); P(match) and p use the "
        "cosine of the whole."
    ]
    if any(part.weight < 0 for part in query.parts):
        warnings.append("Subtracted parts are ignored by a first stage by token vectors.")
    if len({part.weight for part in query.parts if part.weight > 0}) > 1:
        warnings.append("Weights are ignored by a first stage by token vectors.")
    return tuple(warnings)


def _index(opened: EncodedCollection) -> tuple[MuveraIndex, dict[Kind, Floats]]:
    """Fixed encodings of all items and the mean token of each kind, once per stored version."""
    key = opened.space.key, opened.collection.tokens.version(opened.passport)
    return _INDEXES.get(key, lambda: _build(opened))


def _build(opened: EncodedCollection) -> tuple[MuveraIndex, dict[Kind, Floats]]:
    """Tokens share a large mean, which is subtracted before they are encoded."""
    space = opened.space
    one = space.n * 2**BITS * INNER
    if one > BUDGET:
        raise InputError(
            f"A first stage by token vectors holds at most {BUDGET // (2**BITS * INNER):,} items "
            f"in memory; here are {space.n:,}. Search without it and rerank by MaxSim."
        )
    index = MuveraIndex(FixedEncoding(space.d, BITS, INNER, min(REPEATS, BUDGET // one)), space.n)
    means = _means(opened)
    missing = np.ones(space.n, bool)
    for rows, vectors, lengths in _blocks(opened):
        index.put(rows, vectors - _each(means, space, np.repeat(rows, lengths)), lengths)
        missing[rows] = False
    rows = np.flatnonzero(missing)
    index.put(rows, space.vectors[rows] - _each(means, space, rows), np.ones(len(rows), np.int64))
    return index, means


def _means(opened: EncodedCollection) -> dict[Kind, Floats]:
    """The mean token of each kind; zeros where none are stored."""
    sums, counts = np.zeros((2, opened.space.d)), np.zeros(2)
    for rows, vectors, lengths in _blocks(opened):
        text = np.repeat(rows >= opened.space.n_images, lengths)
        for kind, chosen in enumerate((~text, text)):
            sums[kind] += vectors[chosen].sum(axis=0, dtype=np.float64)
            counts[kind] += chosen.sum()
    image, text = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return {"image": image, "text": text}


def _each(means: dict[Kind, Floats], space: Space, rows: Ints) -> Floats:
    """(m, d) the mean token of each row's kind."""
    both: Floats = np.stack([means["image"], means["text"]])[(rows >= space.n_images).astype(int)]
    return both


def _blocks(opened: EncodedCollection) -> Iterator[tuple[Ints, Floats, Ints]]:
    """Rows that have token vectors, the vectors of all of them, and how many each has."""
    for ids, vectors, lengths in opened.collection.tokens.blocks(opened.passport, BLOCK):
        rows = np.array([opened.space.row.get(id_, -1) for id_ in ids], np.int64)
        here = (rows >= 0) & (lengths > 0)
        yield rows[here], vectors[np.repeat(here, lengths)], lengths[here]


def _of_parts(opened: EncodedCollection, query: Query) -> Iterator[tuple[Kind, Floats]]:
    """The kind and the (t, d) token vectors of each part with a positive weight."""
    for part in query.parts:
        if part.weight > 0:
            yield kind_of(opened.space, part), _of_part(opened, part)


def _of_part(opened: EncodedCollection, part: Part) -> Floats:
    space, passport, tokens = opened.space, opened.passport, opened.collection.tokens
    if part.item:
        whole = opened.queries(np.array([space.row[part.item]]))
        return tokens.read(passport, [part.item]).get(part.item, whole)
    encoder = encoder_for(passport)
    if part.image:
        patches = encoder.image_tokens([decode(part.image, "the image")])[0]
        return pool_tokens(patches, pooling_of(opened.collection, passport))
    return encoder.text_tokens([part.text])[0].content_words().vectors
