"""What is special about some items: words, labels and attributes over-represented among them.

Counted are images, each with all its captions, and texts without an image: the captions of one
image are not independent, and a word counts once however often they repeat it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from core.numerics.stats import quantile_ranges
from core.types import Bools, Doubles, Floats, Ints, Space, Value

LEAST = 3  # items that have a term, in both sets together; rarer ones are not tested
MOST = 5_000  # items counted in a set; of larger ones a seeded sample
FDR = 0.05
WORD = "word"
RANGES = 4
MANY = 12  # different numbers of an attribute that are values; more are put into four ranges
Column = Sequence[Sequence[Value] | Value | None]
_WORDS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class KeyTerm:
    """A word, label or attribute value with how often two sets of items have it.

    Args:
        field: "word", "label", "tag" or the name of an attribute; `term` is its value.
        inside: items of the first set that have it, of `n_inside`.
        n_inside: items of the first set.
        outside: items of the second set that have it, of `n_outside`.
        n_outside: items of the second set.
        odds: odds ratio, above 1 where it is over-represented in the first set; `low` and `high`
            are its interval, which covers the truth for 95% of the terms that are reported.
        low: see `odds`.
        high: see `odds`.
        p: two-sided, of the hypergeometric distribution (Fisher's exact test).
        q: the false-discovery rate at which it is reported.
    """

    field: str
    term: str
    inside: int
    n_inside: int
    outside: int
    n_outside: int
    odds: float
    low: float
    high: float
    p: float
    q: float


@dataclass(frozen=True)
class Occurrences:
    """Which terms which items have.

    Args:
        fields: (t,) the field of each term.
        terms: (t,) the terms.
        has: (u, t) sparse zeros and ones, one row for each counted item.
        unit: (n,) the counted item that each row of the space belongs to, -1 for none.
    """

    fields: tuple[str, ...]
    terms: tuple[str, ...]
    has: Any
    unit: Ints

    def mask(self, rows: Ints) -> Bools:
        """(u,) the counted items that some rows of the space belong to."""
        result = np.zeros(self.has.shape[0], bool)
        unit = self.unit[rows]
        result[unit[unit >= 0]] = True
        return result


def draw_units(unit: Ints, rows: Ints, *, most: int = MOST) -> Ints:
    """The counted items of some rows, sorted; a seeded sample of more than `most`."""
    is_drawn = np.zeros(len(unit), bool)
    is_drawn[unit[rows]] = True
    found = np.flatnonzero(is_drawn)
    if len(found) <= most:
        return found
    return np.sort(np.random.default_rng(0).choice(found, most, replace=False))


def words(text: str) -> set[str]:
    """The words of a text in lower case, without English function words.

    >>> sorted(words("A dog, and 2 dogs on the beach"))
    ['beach', 'dog', 'dogs']
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return {word for word in _WORDS.findall(text.lower()) if word not in ENGLISH_STOP_WORDS}


def occurrences(
    unit: Ints,
    counted: Ints,
    rows: Ints,
    texts: Sequence[str],
    fields: Mapping[str, Column],
) -> Occurrences:
    """Terms of items.

    Args:
        unit: (n,) the row that each item is counted as (see `Space.image_of`).
        counted: (u,) the rows that count, sorted; see `draw_units`.
        rows: (m,) rows whose texts and fields are given, each of a counted item.
        texts: (m,) a text, "" for an image.
        fields: (m,) values by field: one, several or None; more than 12 numbers become four ranges.
    """
    from scipy.sparse import coo_array

    place = np.full(len(unit), -1, np.int64)
    place[counted] = np.arange(len(counted))
    at = place[unit[rows]].tolist()
    term: dict[tuple[str, str], int] = {}
    pairs: set[tuple[int, int]] = set()
    for u, text in zip(at, texts, strict=True):
        pairs.update((u, term.setdefault((WORD, w), len(term))) for w in words(text))
    for field, column in fields.items():
        for u, values in zip(at, attribute_terms(column), strict=True):
            pairs.update((u, term.setdefault((field, v), len(term))) for v in values)
    u, t = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    has = coo_array((np.ones(len(u), np.int64), (u, t)), (len(counted), len(term))).tocsr()
    return Occurrences(tuple(f for f, _ in term), tuple(v for _, v in term), has, place[unit])


def attribute_terms(column: Column) -> list[tuple[str, ...]]:
    """The values of each item as terms; more than 12 different numbers as four ranges.

    >>> attribute_terms([1, 2.5, None, ("a", "b")])
    [('1',), ('2.5',), (), ('a', 'b')]
    >>> attribute_terms([*range(13)])[-1]
    ('10 to 12',)
    """
    numbers = [v if isinstance(v, int | float) and not isinstance(v, bool) else nan for v in column]
    if len({x for x in numbers if x == x}) > MANY:
        ranges, names = quantile_ranges(np.array(numbers, np.float64), RANGES)
        return [(names[at],) if at >= 0 else () for at in ranges.tolist()]
    return [
        tuple(map(str, v)) if isinstance(v, list | tuple) else () if v is None else (str(v),)
        for v in column
    ]


def key_terms(found: Occurrences, inside: Bools, outside: Bools) -> tuple[KeyTerm, ...]:
    """Terms whose share differs between two sets, the surest first.

    For each term the hypergeometric test (Fisher's exact) of the counts, over all terms with the
    false-discovery rate held at 5% (Benjamini, Hochberg, JRSS B 1995). Reported are the odds
    ratio with 0.5 added to each count (Haldane-Anscombe) and its interval by Woolf's error of the
    log odds, widened for the selection of what is reported (Benjamini, Yekutieli, JASA 2005). Order
    is by the end of the interval that is nearer to 1. Terms of fewer than three items are not
    tested.

    Args:
        found: the terms.
        inside: (u,) the items of the first set.
        outside: (u,) those of the second; items of both count in both.

    >>> unit = np.arange(20)
    >>> texts = ["sea"] * 8 + ["city"] * 12
    >>> seen = occurrences(unit, unit, unit, texts, {})
    >>> top = key_terms(seen, unit < 8, unit >= 8)[0]
    >>> top.term, top.inside, top.outside, round(top.p * 125_970 / 2)  # 20 over 8 is 125,970
    ('sea', 8, 0, 1)
    """
    from scipy.stats import false_discovery_control

    with_in, with_out = _counts(found, inside), _counts(found, outside)
    n_in, n_out = int(inside.sum()), int(outside.sum())
    tested = np.flatnonzero(with_in + with_out >= LEAST)
    if not (n_in and n_out and len(tested)):
        return ()
    a, c = with_in[tested], with_out[tested]
    p = exact_p(a, n_in, c, n_out)
    q = false_discovery_control(p)
    reported = np.flatnonzero(q <= FDR)
    level = FDR * len(reported) / len(tested)
    odds, low, high = _odds(a, n_in, c, n_out, level)
    nearer = np.where(odds > 1, low, -1 / np.maximum(high, 1e-300))
    sure = np.where(odds > 1, nearer, -nearer)
    order = reported[np.lexsort((tested[reported], -sure[reported]))]
    return tuple(
        KeyTerm(
            found.fields[tested[i]], found.terms[tested[i]], int(a[i]), n_in, int(c[i]), n_out,
            float(odds[i]), float(low[i]), float(high[i]), float(p[i]), float(q[i]),
        )
        for i in order
    )  # fmt: skip


def exact_p(inside: Ints, n_inside: int, outside: Ints, n_outside: int) -> Doubles:
    """(t,) two-sided p-values of the hypergeometric distribution: twice the smaller tail.

    >>> exact_p(np.array([3]), 3, np.array([0]), 3).round(6).tolist()  # 2 / (6 over 3)
    [0.1]
    """
    from scipy.stats import hypergeom

    n, has = n_inside + n_outside, inside + outside
    above = hypergeom.sf(inside - 1, n, has, n_inside)
    below = hypergeom.cdf(inside, n, has, n_inside)
    return np.asarray(np.clip(2 * np.minimum(above, below), 0.0, 1.0))


def name_of(terms: Iterable[KeyTerm], most: int = 3) -> str:
    """A name from the surest over-represented words or labels; "" without any.

    Of "dog" and "dogs" the first is taken: another ending of at most two letters adds nothing.
    """
    names: list[str] = []
    for one in terms:
        over = one.odds > 1 and one.field in (WORD, "label")
        if over and not any(same_stem(one.term, name) for name in names):
            names.append(one.term)
    return ", ".join(names[:most])


def nearest_texts(space: Space, rows: Ints, most: int = 3) -> Ints:
    """The texts nearest to the mean of some items, best first: what one would call them.

    The mean is that of the items' texts and captions, so that the modality gap has no part in it;
    without any, that of the images, each kind centered on its own mean.
    """
    from core.numerics.spectra import moments

    texts = texts_of(space, rows)
    if space.n_images == space.n or not len(rows):
        return np.empty(0, np.int64)
    if len(texts):
        mean = space.vectors[texts].mean(axis=0, dtype=np.float64)
        scores: Floats = space.vectors[texts] @ mean.astype(np.float32)
        return texts[np.argsort(-scores, kind="stable")[:most]]
    mean = space.vectors[rows].mean(axis=0, dtype=np.float64) - moments(space, "image").mean
    scores = space.texts @ mean.astype(np.float32)
    return np.argsort(-scores, kind="stable")[:most] + space.n_images


def texts_of(space: Space, rows: Ints) -> Ints:
    """The texts among some rows and the captions of the images among them, sorted."""
    chosen = np.zeros(space.n, bool)
    chosen[rows] = True
    chosen[space.pairs[chosen[space.pairs[:, 0]], 1]] = True
    return np.flatnonzero(chosen[space.n_images :]) + space.n_images


def same_stem(a: str, b: str) -> bool:
    """Whether two words differ only in an ending of at most two letters.

    >>> same_stem("dogs", "dog"), same_stem("bike", "bicycle")
    (True, False)
    """
    short, long = sorted((a, b), key=len)
    return long.startswith(short) and len(long) - len(short) <= 2


def _counts(found: Occurrences, mask: Bools) -> Ints:
    return np.asarray(found.has.T @ mask.astype(np.int64), np.int64)


def _odds(
    a: Ints, n_in: int, c: Ints, n_out: int, level: float
) -> tuple[Doubles, Doubles, Doubles]:
    """Odds ratios and the ends of their intervals that miss the truth with probability `level`."""
    from scipy.stats import norm

    table = np.stack([a, n_in - a, c, n_out - c]).astype(np.float64) + 0.5
    log = np.log(table[0] * table[3] / (table[1] * table[2]))
    half = norm.isf(max(level, 1e-12) / 2) * np.sqrt((1 / table).sum(axis=0))
    return np.exp(log), np.exp(log - half), np.exp(log + half)
