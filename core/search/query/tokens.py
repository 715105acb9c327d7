"""The words and places of a question and of stored items, as search and rerankers compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.ingest import decode, pool_tokens, pooling_of
from core.search.index.muvera import FixedEncoding, MuveraIndex, TokenCandidates
from core.search.query.encode import encoder_for
from core.search.query.mix import kind_of
from core.types import Floats, Ints, Kind, Part, Passport, Query, Space, SpaceCache

if TYPE_CHECKING:
    from core.store import Collection


BUDGET = 512 << 20  # bytes that the fixed encodings of one collection may take
# As published but for fewer cells, for few vectors an item: 2,564 bytes each, 256 MB for 100,000
# items. Where more than the budget are needed there are fewer repeats.
BITS, INNER, REPEATS = 3, 16, 20
BLOCK = 20_000  # items read at a time

_ENCODED = SpaceCache(1)


def query_tokens(collection: Collection, space: Space, passport: Passport, query: Query) -> Floats:
    """(t, d) unit vectors of the words, places and items that a question asks for.

    What it asks against counts in the whole only.

    Raises:
        NoTokens: the encoder makes none.
        NoTextSearch: the encoder is not at hand.
        UnreadableFile: a picture of the query cannot be decoded.
    """
    found = [tokens for _, tokens in _of_parts(collection, space, passport, query)]
    return np.concatenate([np.empty((0, space.d), np.float32), *found])


def stored_tokens(
    collection: Collection, space: Space, passport: Passport
) -> Callable[[Ints], Sequence[Floats]] | None:
    """From rows to stored token vectors; None where none are stored.

    An item that has none yet is its own only part.
    """
    if not collection.tokens.any(passport):
        return None

    def read(rows: Ints) -> list[Floats]:
        ids = [space.ids[row] for row in rows.tolist()]
        stored = collection.tokens.read(passport, ids)
        whole = zip(ids, rows.tolist(), strict=True)
        return [stored.get(id_, space.vectors[row : row + 1]) for id_, row in whole]

    return read


def token_candidates(
    collection: Collection, space: Space, passport: Passport, query: Query
) -> TokenCandidates:
    """What finds candidates for a question by the stored token vectors.

    Raises:
        InputError: none are stored, or there are more items than the budget allows.
        NoTokens: the encoder makes none.
        NoTextSearch: the encoder is not at hand.
    """
    stored = stored_tokens(collection, space, passport)
    if stored is None:
        raise InputError(
            "Search by tokens first needs token vectors, and none are stored for these vectors. "
            "Store them: sextant tokens NAME"
        )
    parts = list(_of_parts(collection, space, passport, query))
    encodings, means = _encoded(collection, space, passport)
    centred = np.concatenate([tokens - means[kind] for kind, tokens in parts])
    return TokenCandidates(encodings, centred, np.concatenate([t for _, t in parts]), stored)


def token_warnings(query: Query) -> tuple[str, ...]:
    """Sentences on what the first stage makes of a question."""
    if query.first != "muvera":
        return ()
    told = ["Found by token vectors first (MUVERA, then MaxSim); the cut and p look at the whole."]
    if any(part.weight < 0 for part in query.parts):
        told.append("What is asked against does not count where tokens come first.")
    if len({part.weight for part in query.parts if part.weight > 0}) > 1:
        told.append("Weights do not count where tokens come first: every word counts the same.")
    return tuple(told)


def _encoded(
    collection: Collection, space: Space, passport: Passport
) -> tuple[MuveraIndex, dict[Kind, Floats]]:
    """Fixed encodings of all items and the mean token of each kind, once for what is stored."""
    key = space.key, collection.tokens.version(passport)
    return _ENCODED.get(key, lambda: _encode(collection, space, passport))


def _encode(
    collection: Collection, space: Space, passport: Passport
) -> tuple[MuveraIndex, dict[Kind, Floats]]:
    """An item without token vectors is its own only part. Tokens share a large mean: it is off."""
    one = space.n * 2**BITS * INNER
    if one > BUDGET:
        raise InputError(
            f"Search by tokens first holds at most {BUDGET // (2**BITS * INNER):,} items in "
            f"memory; here are {space.n:,}. Search without it and rerank by MaxSim."
        )
    made = MuveraIndex(FixedEncoding(space.d, BITS, INNER, min(REPEATS, BUDGET // one)), space.n)
    means = _means(collection, space, passport)
    missing = np.ones(space.n, bool)
    for rows, vectors, lengths in _blocks(collection, space, passport):
        made.put(rows, vectors - _each(means, space, np.repeat(rows, lengths)), lengths)
        missing[rows] = False
    rows = np.flatnonzero(missing)
    made.put(rows, space.vectors[rows] - _each(means, space, rows), np.ones(len(rows), np.int64))
    return made, means


def _means(collection: Collection, space: Space, passport: Passport) -> dict[Kind, Floats]:
    """The mean token of each kind; zeros where none are stored."""
    sums, counts = np.zeros((2, space.d)), np.zeros(2)
    for rows, vectors, lengths in _blocks(collection, space, passport):
        text = np.repeat(rows >= space.n_images, lengths)
        for kind, chosen in enumerate((~text, text)):
            sums[kind] += vectors[chosen].sum(axis=0, dtype=np.float64)
            counts[kind] += chosen.sum()
    image, text = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return {"image": image, "text": text}


def _each(means: dict[Kind, Floats], space: Space, rows: Ints) -> Floats:
    """(m, d) the mean of each row's kind."""
    found: Floats = np.stack([means["image"], means["text"]])[(rows >= space.n_images).astype(int)]
    return found


def _blocks(
    collection: Collection, space: Space, passport: Passport
) -> Iterator[tuple[Ints, Floats, Ints]]:
    """Rows of the space that have token vectors, those below each other, and how many of each."""
    for ids, vectors, lengths in collection.tokens.blocks(passport, BLOCK):
        rows = np.array([space.row.get(id_, -1) for id_ in ids], np.int64)
        here = (rows >= 0) & (lengths > 0)
        yield rows[here], vectors[np.repeat(here, lengths)], lengths[here]


def _of_parts(
    collection: Collection, space: Space, passport: Passport, query: Query
) -> Iterator[tuple[Kind, Floats]]:
    """The kind and the (t, d) token vectors of each part that is asked for."""
    for part in query.parts:
        if part.weight > 0:
            yield kind_of(space, part), _of_part(collection, space, passport, part)


def _of_part(collection: Collection, space: Space, passport: Passport, part: Part) -> Floats:
    if part.item:
        whole = space.vectors[space.row[part.item]][None]
        return collection.tokens.read(passport, [part.item]).get(part.item, whole)
    encoder = encoder_for(passport)
    if part.image:
        places = encoder.image_tokens([decode(part.image, "the picture")])[0]
        return pool_tokens(places, pooling_of(collection, passport))
    return encoder.text_tokens([part.text])[0].spoken().vectors
