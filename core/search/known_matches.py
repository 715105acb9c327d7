"""Queries whose matches are known: what a verdict on a query is calibrated on.

A collection's labels, and the nouns and captions of its images, are queries with known matches. An
item matches a noun when two of its captions say it (one, where it has one caption), a caption when
it belongs to the same image, an image when both match the same label or noun, and a composed query
when it matches every part with positive weight and none of the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from core import ASSETS
from core.errors import SextantError
from core.numerics.sampling import groups, sampled_rows
from core.search.query.encode import SHORT, text_vectors
from core.search.query.mix import kind_of, mixed_rows
from core.types import Bools, Floats, Ints, Kind, Part, Query, Space, SpaceCache, digest

if TYPE_CHECKING:
    from core.store import EncodedCollection

T = TypeVar("T")

ITEMS = 2000  # of a kind, at most
PHRASES, LEAST_PHRASES = 200, 20  # labels, and nouns; fewer in all calibrate nothing
QUERIES, LEAST_QUERIES = 400, 40  # captions, images or composed queries
LEAST_HELD_OUT = 200  # items, to calibrate on them alone
MOST_SHARE, RARE = 0.5, 0.2  # of the items: that match a phrase; that an unknown word is said of
SCENES = (  # who, doing what, where
    ("man", "woman", "boy", "girl", "child", "dog", "cat", "bird", "person", "horse"),
    (
        "running", "sitting", "standing", "jumping", "playing", "holding a ball", "walking",
        "looking at a dog", "riding a bike", "eating",
    ),
    (
        "in the grass", "on a beach", "in a street", "near water", "in a room", "in the snow",
        "at a table", "on a road", "in front of a building", "in a kitchen",
    ),
)  # fmt: skip
WORD = re.compile(r"[^\W\d_]{3,}")

_PHRASES, _KNOWN = SpaceCache(16), SpaceCache(16)


@dataclass(frozen=True)
class KnownMatches:
    """Queries of one form and which of m sampled items match them.

    Args:
        vectors: (q, d) unit rows.
        matches: (q, m) known to match; `unclear` (q, m) neither known to match nor not to.
        excluded: (q, m) the items that a query consists of, which no search for it returns.
    """

    vectors: Floats
    matches: Bools
    unclear: Bools
    excluded: Bools

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, queries: Ints) -> KnownMatches:
        """Some of the queries."""
        return KnownMatches(
            self.vectors[queries],
            self.matches[queries],
            self.unclear[queries],
            self.excluded[queries],
        )


@dataclass(frozen=True)
class Phrases:
    """Labels and caption nouns, and the items they describe.

    Args:
        names: each once.
        rows: (m,) sampled rows of the space, of one kind.
        matches: (w, m) and `unclear` (w, m), see `KnownMatches`.
        labels: how many of the names are labels; they come first.
    """

    names: tuple[str, ...]
    rows: Ints
    matches: Bools
    unclear: Bools
    labels: int

    @property
    def source(self) -> str:
        """What they are, in words."""
        words = ["labels"] * bool(self.labels) + ["nouns"] * (len(self.names) > self.labels)
        return " and ".join(words)


def form_of(query: Query, space: Space) -> str:
    """The form of a query: "short text", "long text", "image" or "composed".

    >>> form_of(Query((Part(text="a red car"),)), Space(np.eye(2, dtype="f4"), ("a", "b"), 1))
    'short text'
    """
    if len(query.parts) > 1:
        return "composed"
    return part_form(query.parts[0], space)


def part_form(part: Part, space: Space) -> str:
    """The form of one part of a query, see `form_of`."""
    if kind_of(space, part) == "image":
        return "image"
    return "short text" if part.text and len(part.text.split()) <= SHORT else "long text"


def form_key(query: Query, space: Space, kind: Kind) -> str:
    """What queries of the same form for items of a kind have in common, as a cache key."""
    parts = [(part_form(part, space), part.weight) for part in query.parts]
    parts = parts if len(parts) > 1 else [(parts[0][0], 1.0)]
    mix = query.mix if len(parts) > 1 else ""
    return repr((kind, query.kinds, query.template, mix, parts))


def known_matches(opened: EncodedCollection, query: Query, kind: Kind) -> KnownMatches | None:
    """Queries of the same form as a query, with known matches among the items of a kind.

    None where the collection has too few labels, nouns or captions.

    Raises:
        NoTextSearch: the query has a text, and the encoder is not available. An error is not
            cached, as "none" would be, until the encoder is there.
        PassportMismatch: the encoder that is available would compute other vectors.
    """
    key = (opened.version, opened.space.key, form_key(query, opened.space, kind))
    return _KNOWN.get(key, lambda: _known(opened, query, kind))


def sampled_items(opened: EncodedCollection, kind: Kind) -> Ints:
    """(m,) rows of the items in the columns of `KnownMatches`."""
    return phrases(opened, kind).rows


def _known(opened: EncodedCollection, query: Query, kind: Kind) -> KnownMatches | None:
    space = opened.space
    forms = [part_form(part, space) for part in query.parts]
    build = {"short text": _by_phrase, "long text": _by_caption, "image": _by_image}
    tables = {form: build[form](opened, query, kind) for form in sorted({*forms})}
    least = LEAST_PHRASES if forms == ["short text"] else LEAST_QUERIES
    if any(len(table) < least for table in tables.values()):
        return None
    if len(forms) == 1:
        return tables[forms[0]]
    return _composed(space, query, [tables[form] for form in forms])


def phrases(opened: EncodedCollection, kind: Kind) -> Phrases:
    """The labels of items of a kind, and the nouns of their captions; a random part of many.

    Where fewer than 20 words of the captions are known nouns, as in another language, every word of
    three or more letters that is said of at most a fifth of the items counts as one.
    """

    def build() -> Phrases:
        space = opened.space
        rows = _sample(opened, kind)
        by_label, labeled = _labels(space, rows)
        by_noun, captioned = _nouns(opened, rows, kind)
        by_noun = {noun: at for noun, at in by_noun.items() if noun not in by_label}
        names = (*by_label, *by_noun)
        matches = [_mask(at, len(rows)) for at in by_label.values()]
        matches += [_mask(sure, len(rows)) for sure, _ in by_noun.values()]
        unclear = [~labeled for _ in by_label]
        unclear += [_mask(once, len(rows)) | ~captioned for _, once in by_noun.values()]
        shape = (len(names), len(rows))
        return Phrases(
            names,
            rows,
            np.array(matches, bool).reshape(shape),
            np.array(unclear, bool).reshape(shape),
            len(by_label),
        )

    return _PHRASES.get((opened.version, opened.space.key, kind), build)


@cache
def everyday_nouns() -> tuple[str, ...]:
    """About 800 English nouns, for collections without labels and captions, and to find nouns."""
    return tuple((ASSETS / "nouns.txt").read_text("utf-8").split())


def everyday_texts(form: str) -> tuple[str, ...]:
    """200 texts that people might type: nouns, or scenes for the form "long text".

    >>> len(everyday_texts("short text")), len(everyday_texts("long text"))
    (200, 200)
    """
    rng = np.random.default_rng(0)
    if form == "short text":
        return with_articles(rng.permutation(everyday_nouns())[:PHRASES].tolist())
    scenes = [" ".join(("a", *parts)) for parts in product(*SCENES)]
    return tuple(rng.permutation(scenes)[:PHRASES].tolist())


def everyday_vectors(opened: EncodedCollection, query: Query, form: str) -> Floats:
    """(200, d) everyday texts, encoded as a text of the query is."""
    return _encoded(opened, query, everyday_texts(form))


def with_articles(names: Sequence[str]) -> tuple[str, ...]:
    """Every second one with an article: people type both."""
    return tuple(f"a {name}" if i % 2 else name for i, name in enumerate(names))


def _encoded(opened: EncodedCollection, query: Query, texts: Sequence[str]) -> Floats:
    """(t, d) unit rows of texts, stored with the collection once they are encoded."""
    stored, key = opened.collection.artifacts, _texts_key(opened, query.template, texts)
    vectors = stored.read_matrix("texts", key)
    if vectors is None:
        vectors = text_vectors(opened, texts, query)
        with suppress(SextantError):  # a store that cannot be written: encoded again next time
            stored.write_matrix("texts", key, vectors)
    return vectors


def stored_vectors(opened: EncodedCollection, texts: Sequence[str]) -> Floats:
    """(t, d) unit rows of texts without a template, if a search has stored them; else none."""
    vectors = opened.collection.artifacts.read_matrix("texts", _texts_key(opened, "", texts))
    return np.empty((0, opened.space.d), np.float32) if vectors is None else vectors


def _texts_key(opened: EncodedCollection, template: str, texts: Sequence[str]) -> str:
    repaired = [opened.recipe] if opened.recipe else []
    return digest(opened.passport.key, *repaired, template, *texts)


def _by_phrase(opened: EncodedCollection, query: Query, kind: Kind) -> KnownMatches:
    described = phrases(opened, kind)
    vectors = _encoded(opened, query, with_articles(described.names))
    none = np.zeros_like(described.matches)
    return KnownMatches(vectors, described.matches, described.unclear, none)


def _by_caption(opened: EncodedCollection, query: Query, kind: Kind) -> KnownMatches:
    """Captions of sampled items: the image they belong to matches, or its other captions."""
    space, rows = opened.space, phrases(opened, kind).rows
    group = groups(space)
    texts = space.pairs[np.isin(group[space.pairs[:, 1]], group[rows]), 1]
    drawn = np.sort(np.random.default_rng(0).permutation(np.unique(texts))[:QUERIES])
    own = drawn[:, None] == rows
    matches = (group[drawn][:, None] == group[rows]) & ~own
    return KnownMatches(opened.queries(drawn), matches, np.zeros_like(own), own)


def _by_image(opened: EncodedCollection, query: Query, kind: Kind) -> KnownMatches:
    """Images: what matches the same label or noun matches, and the image's own captions."""
    space = opened.space
    of_images, described = phrases(opened, "image"), phrases(opened, kind)
    group, rows = groups(space), described.rows
    at = np.sort(np.random.default_rng(0).permutation(len(of_images.rows))[:QUERIES])
    drawn = of_images.rows[at]
    own = drawn[:, None] == rows
    matches = (group[drawn][:, None] == group[rows]) & ~own
    common = sorted({*of_images.names} & {*described.names})
    here = [of_images.names.index(name) for name in common]
    there = [described.names.index(name) for name in common]
    left = of_images.matches[here][:, at].astype(np.float32).T
    matches |= (left @ described.matches[there].astype(np.float32) > 0) & ~own
    unclear = (left @ described.unclear[there].astype(np.float32) > 0) & ~matches
    known = matches.any(axis=1)
    vectors = opened.queries(drawn)
    return KnownMatches(vectors, matches, unclear, own).take(np.flatnonzero(known))


def _composed(space: Space, query: Query, tables: Sequence[KnownMatches]) -> KnownMatches | None:
    """Composed queries: parts with positive weight describe an item, the others do not."""
    rng = np.random.default_rng(0)
    signs = [part.weight > 0 for part in query.parts]
    picks, targets = [], []
    for target in rng.integers(0, tables[0].matches.shape[1], QUERIES):
        pick = []
        for table, positive in zip(tables, signs, strict=True):
            known = table.matches if positive else ~(table.matches | table.unclear | table.excluded)
            fits = np.flatnonzero(known[:, target])
            if not len(fits):
                break
            pick.append(int(rng.choice(fits)))
        else:
            picks.append(pick)
            targets.append(target)
    if len(picks) < LEAST_QUERIES:
        return None
    chosen = [
        table.take(np.array(own))
        for table, own in zip(tables, zip(*picks, strict=True), strict=True)
    ]
    vectors, built = mixed_rows(space, query, np.stack([one.vectors for one in chosen], axis=1))
    matches = np.logical_and.reduce(
        [one.matches if sign else ~one.matches for one, sign in zip(chosen, signs, strict=True)]
    )
    possible = np.logical_and.reduce(
        [one.matches | one.unclear for one, sign in zip(chosen, signs, strict=True) if sign]
    )
    excluded = np.logical_or.reduce([one.excluded for one in chosen])
    unclear = possible & ~matches
    return KnownMatches(vectors, matches[built] & ~excluded[built], unclear[built], excluded[built])


def _sample(opened: EncodedCollection, kind: Kind) -> Ints:
    """Rows of a kind: the held-out ones where there are enough, which no encoder was trained on."""
    space, held_out = opened.space, opened.held_out()
    if held_out is not None:
        rows = np.flatnonzero(held_out[space.span(kind)]) + space.span(kind).start
        if len(rows) >= LEAST_HELD_OUT:
            return np.sort(np.random.default_rng(0).permutation(rows)[:ITEMS])
    return sampled_rows(space, kind, ITEMS, 0)


def _labels(space: Space, rows: Ints) -> tuple[dict[str, Ints], Bools]:
    """Where each label is among the rows, and which rows have any; texts get their image's."""
    if not space.labels:
        return {}, np.zeros(len(rows), bool)
    images = space.image_of[rows].tolist()
    own = [space.labels[a] or space.labels[b] for a, b in zip(rows.tolist(), images, strict=True)]
    at: dict[str, list[int]] = {}
    for i, labels in enumerate(own):
        for label in dict.fromkeys(filter(str.strip, labels)):
            at.setdefault(label, []).append(i)
    useful = {name: np.array(i) for name, i in at.items() if len(i) <= MOST_SHARE * len(rows)}
    return _some(useful), np.array([bool(labels) for labels in own])


def _nouns(
    opened: EncodedCollection, rows: Ints, kind: Kind
) -> tuple[dict[str, tuple[Ints, Ints]], Bools]:
    """Where nouns are said, surely and once too rarely to be sure, and which rows have captions."""
    space = opened.space
    owner, texts = _captions(space, rows, kind)
    ids = [space.ids[row] for row in texts]
    said: dict[str, dict[int, int]] = {}
    column = opened.collection.texts(ids)
    for at, text in zip(owner.tolist(), column, strict=True):
        for word in set(WORD.findall(text.lower())):
            counts = said.setdefault(word, {})
            counts[at] = counts.get(at, 0) + 1
    sizes = np.bincount(owner, minlength=len(rows))
    sure = min(2, int(np.median(sizes[sizes > 0]))) if len(owner) else 1
    nouns = {*everyday_nouns(), *(f"{noun}s" for noun in everyday_nouns())}
    known = [word for word in said if word in nouns]
    if len(known) < LEAST_PHRASES:
        known += [w for w, at in said.items() if w not in nouns and len(at) <= RARE * len(rows)]
    found = {}
    for word in sorted(known):
        counts = said[word]
        clear = np.array([at for at, n in counts.items() if n >= sure], np.int64)
        if 2 <= len(clear) <= MOST_SHARE * len(rows):
            found[word] = clear, np.array([at for at, n in counts.items() if n < sure], np.int64)
    return _some(found), sizes > 0


def _captions(space: Space, rows: Ints, kind: Kind) -> tuple[Ints, Ints]:
    """Positions among the rows, and the rows of the texts that describe them."""
    if kind == "text":
        return np.arange(len(rows)), rows
    image, text = space.pairs.T
    at = np.searchsorted(rows, image).clip(max=max(len(rows) - 1, 0))
    inside = rows[at] == image if len(rows) else np.zeros(len(image), bool)
    return at[inside], text[inside]


def _some(named: Mapping[str, T]) -> dict[str, T]:
    """At most `PHRASES` of them, at random, by name."""
    names = sorted(named)
    drawn = np.sort(np.random.default_rng(0).permutation(len(names))[:PHRASES])
    return {names[i]: named[names[i]] for i in drawn.tolist()}


def _mask(at: Ints, n: int) -> Bools:
    mask = np.zeros(n, bool)
    mask[at] = True
    return mask
