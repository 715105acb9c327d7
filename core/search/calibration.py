"""P(match): the probability that something matches a query, and that each item does.

Calibrated on queries of the same form whose matches are known (`core.search.known_matches`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from core import ASSETS
from core.numerics.neighbors import cosines
from core.numerics.stats import auc
from core.search.known_matches import KnownMatches, form_key, form_of, known_matches, phrases
from core.search.null import body
from core.types import Bools, Doubles, Floats, Ints, Kind, Passport, Query, SpaceCache

if TYPE_CHECKING:
    from core.store import EncodedCollection

FOLDS = 5
SHARES = 1.0, 0.5, 0.25  # of the items, at random: the best cosine grows with their number
LEAST_QUERIES, LEAST_ITEMS = 20, 40  # with fewer nothing is calibrated
LEAST_AUC = 0.55  # of the best cosine, below which there is no verdict
OTHERS = 60_000  # items that do not match, at most, drawn at random
STRONG, LIKELY = 0.5, 0.2  # least P(match) of an item in the band
HALF = 0.5  # a match, added to both numbers of a ratio
TAIL = 0.1  # on each side of an 80% prediction interval
BUNDLED = ASSETS / "starter" / "calibration.json"

_CALIBRATIONS = SpaceCache(64)


@dataclass(frozen=True)
class Calibration:
    """Two logistic regressions, and how well they do on known queries that they were not fitted on.

    P(match) of a query is logistic in its best cosine c and the number n of candidates; P(match) of
    an item is logistic in its z and the best z, where z = (cosine - mean) / sd of the body of the
    query's own cosines. Nothing separates queries with a match from those without better than the
    best cosine (z, the gap to the second, and p-values do worse: `python -m tests.bench matches`);
    what it needs is calibration for the form of the query.

    Source: Platt. Probabilistic Outputs for Support Vector Machines. Advances in Large Margin
    Classifiers 1999, on the best score, as Rossi et al. Relevance Filtering for Embedding-based
    Retrieval. CIKM 2024.

    Args:
        query: intercept, slope of c, slope of ln n.
        item: intercept, slope of z (above 0), slope of the best z.
        present: P(match) of known queries, ascending; `absent`: of the same queries with their
            matches removed.
        ratios: the 10th and 90th percentile of the known number of matches over the expected.
        bands: share of known matches among strong, likely and unlikely items.
        area: area under the ROC curve of the best cosine: with matches against without.
        n_queries: how many known queries.
        source: what they are.
        own: whether they are of the collection searched. How often items match does not carry over
            from another one, so that then there is neither P(match) of items nor a number.
    """

    query: tuple[float, float, float]
    item: tuple[float, float, float]
    present: tuple[float, ...]
    absent: tuple[float, ...]
    ratios: tuple[float, float]
    bands: tuple[float, float, float]
    area: float
    n_queries: int
    source: str
    own: bool = True

    def p_query(self, best: float, n: int) -> float:
        """P(match) of a query from its best cosine among n candidates."""
        return float(_logistic(self.query, np.array([[best, log(n)]]))[0])

    def cosine_at(self, p: float, n: int) -> float:
        """The best cosine among n candidates at which a query has P(match) p, see `p_query`."""
        intercept, slope, by_number = self.query
        p = min(max(p, 1e-6), 1 - 1e-6)
        return (log(p / (1 - p)) - intercept - by_number * log(n)) / slope

    def p_items(self, z: Doubles, best: float) -> Doubles:
        """P(match) of items from their z and the best z of the query."""
        return _logistic(self.item, np.column_stack([z, np.full(len(z), best)]))

    def z_of(self, p: float, best: float) -> float:
        """The z at which an item reaches P(match) p; the inverse of `p_items`."""
        intercept, slope, by_best = self.item
        return (log(p / (1 - p)) - intercept - by_best * best) / slope

    def level(self, miss: float) -> float:
        """The P(match) that a share `miss` of the known queries with a match does not reach."""
        return float(np.quantile(self.present, miss))

    def rejected(self, level: float) -> float:
        """Share of the known queries without a match that do not reach a level."""
        return float((np.array(self.absent) < level).mean())

    def interval(self, expected: float) -> tuple[float, float]:
        """The 80% prediction interval of the number of matches, where `expected` are expected."""
        low, high = (ratio * (expected + HALF) - HALF for ratio in self.ratios)
        return max(0.0, min(low, expected)), max(high, expected)


def calibration(opened: EncodedCollection, query: Query, kind: Kind) -> Calibration | None:
    """The calibration for queries of a form that search items of a kind.

    On the collection's labels, nouns and captions; where it has too few, the table that comes with
    the encoder; None without either.

    Raises:
        NoTextSearch: the query has a text, and the encoder is not available.
        PassportMismatch: the encoder that is available would compute other vectors.
    """
    form = form_of(query, opened.space)
    key = (opened.version, opened.space.key, form_key(query, opened.space, kind))

    def build() -> Calibration | None:
        known = known_matches(opened, query, kind)
        if known is None:  # the table was fitted without a prompt template
            table = {} if query.template else bundled(opened.passport)
            return table.get(f"{form}, {kind}")
        described = phrases(opened, kind)
        queries = {"short text": described.source, "long text": "captions", "image": "images"}
        source = f"{queries.get(form, form + ' queries')} of this collection"
        return calibrate(known, opened.space.take(described.rows), source)

    return _CALIBRATIONS.get(key, build)


def calibrate(known: KnownMatches, items: Floats, source: str) -> Calibration | None:
    """Fit both regressions, and evaluate them on queries left out in turn.

    Probabilities of queries hold where half of them have a match. None where fewer than 20 queries
    have one, where there are fewer than 40 items, or where a higher cosine makes no item likelier
    to match.

    Args:
        known: queries with known matches.
        items: (m, d) the sampled items, the columns of `known`.
        source: what the queries are, in words.
    """
    known = known.take(np.flatnonzero(known.matches.any(axis=1)))
    if len(known) < LEAST_QUERIES or len(items) < LEAST_ITEMS:
        return None
    values = cosines(items, known.vectors.T).T.astype(np.float64)
    z, best = standardized(np.where(known.excluded, np.nan, values))
    queries, scores = _query_examples(values, known), _item_examples(z, best, known)
    item = _fit(scores)
    if item[1] <= 0:
        return None
    fold = np.random.default_rng(0).permutation(len(known)) % FOLDS
    p_query, p_item = np.empty(len(queries.y)), np.empty(len(scores.y))
    expected = np.empty(len(known))
    for i in range(FOLDS):
        out = fold[queries.of] == i
        p_query[out] = _logistic(_fit(queries.take(~out)), queries.x[out])
        out, here = fold[scores.of] == i, fold == i
        weights = _fit(scores.take(~out))
        p_item[out] = _logistic(weights, scores.x[out])
        x = np.stack([z[here], np.broadcast_to(best[here, None], z[here].shape)], axis=-1)
        expected[here] = np.nansum(_logistic(weights, x), axis=1)
    whole = queries.whole
    number = (known.matches & ~known.excluded).sum(axis=1)
    ratios = np.quantile((number + HALF) / (expected + HALF), [TAIL, 1 - TAIL])
    bands = [
        np.average(scores.y[inside], weights=scores.weight[inside]) if inside.any() else 0.0
        for inside in (p_item >= STRONG, (p_item >= LIKELY) & (p_item < STRONG), p_item < LIKELY)
    ]
    return Calibration(
        _fit(queries),
        item,
        _rounded(np.sort(p_query[whole & (queries.y == 1)])),
        _rounded(np.sort(p_query[whole & (queries.y == 0)])),
        (float(ratios[0]), float(ratios[1])),
        (bands[0], bands[1], bands[2]),
        auc(queries.x[whole & (queries.y == 1), 0], queries.x[whole & (queries.y == 0), 0])[0],
        len(known),
        source,
    )


def standardized(cosines: Doubles | Floats) -> tuple[Doubles, Doubles]:
    """(q, m) cosines minus the mean and over the sd of each row's body, and (q,) the highest.

    NaN marks items that are excluded from a row.
    """
    known = np.where(np.isnan(cosines), np.nanmedian(cosines, axis=1, keepdims=True), cosines)
    mean, sd = body(known)
    z = (cosines - mean[:, None]) / np.maximum(sd, 1e-9)[:, None]
    return z, np.nanmax(z, axis=1)


@cache
def bundled(passport: Passport) -> dict[str, Calibration]:
    """By form and kind, the calibrations that come with an encoder; none for most encoders."""
    if passport.model != "starter" or not BUNDLED.is_file():
        return {}
    table = json.loads(BUNDLED.read_text("utf-8"))
    if table["weights"] != passport.weights:
        return {}
    calibrations = {form: from_json(one) for form, one in table["calibrations"].items()}
    return {form: replace(one, own=False) for form, one in calibrations.items()}


def from_json(stored: Mapping[str, Any]) -> Calibration:
    """The inverse of `dataclasses.asdict` and JSON."""
    fields: dict[str, Any] = {
        name: tuple(x) if isinstance(x, list) else x for name, x in stored.items()
    }
    return Calibration(**fields)


@dataclass(frozen=True)
class _Examples:
    """Rows for a logistic regression.

    Args:
        x: (e, 2) features; `y` (e,) 1 for a match, else 0; `weight` (e,).
        of: (e,) the query of each.
        whole: (e,) whether all items were searched.
        falling: whether the second feature can only lower the probability.
    """

    x: Doubles
    y: Doubles
    weight: Doubles
    of: Ints
    whole: Bools
    falling: bool

    def take(self, rows: Bools) -> _Examples:
        return _Examples(
            self.x[rows],
            self.y[rows],
            self.weight[rows],
            self.of[rows],
            self.whole[rows],
            self.falling,
        )


def _query_examples(values: Doubles, known: KnownMatches) -> _Examples:
    """The best cosine of each query with its matches and without, among parts of the items."""
    order = np.random.default_rng(1).permutation(values.shape[1])
    parts = []
    for share in SHARES:
        columns = order[: max(LEAST_ITEMS, round(share * len(order)))]
        allowed, matches = ~known.excluded[:, columns], known.matches[:, columns]
        others = allowed & ~matches & ~known.unclear[:, columns]
        for label, among, usable in (
            (1.0, allowed, (matches & allowed).any(axis=1)),
            (0.0, others, others.sum(axis=1) >= LEAST_ITEMS / 2),
        ):
            of = np.flatnonzero(usable)
            best = np.where(among[of], values[np.ix_(of, columns)], -np.inf).max(axis=1)
            x = np.column_stack([best, np.log(among[of].sum(axis=1))])
            whole = np.full(len(of), share == SHARES[0])
            parts.append((x, np.full(len(of), label), of, whole))
    x, y, of, whole = (np.concatenate(each) for each in zip(*parts, strict=True))
    weight = np.where(y == 1, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1)) * len(y)
    return _Examples(x, y, weight, of, whole, falling=True)


def _item_examples(z: Doubles, best: Doubles, known: KnownMatches) -> _Examples:
    """The z and the best z of the matches, and of a random part of the other items."""
    matches, others = (
        known.matches & np.isfinite(z),
        np.isfinite(z) & ~known.matches & ~known.unclear,
    )
    share = min(1.0, OTHERS / max(others.sum(), 1))
    drawn = np.random.default_rng(2).random(z.shape) < share
    of, column = np.nonzero(matches | (drawn & others))
    y = matches[of, column].astype(np.float64)
    x = np.column_stack([z[of, column], best[of]])
    return _Examples(x, y, np.where(y == 1, 1.0, 1 / share), of, y >= 0, falling=False)


def _fit(examples: _Examples) -> tuple[float, float, float]:
    """Intercept and two slopes; the second is not positive where it can only fall."""
    from sklearn.linear_model import LogisticRegression

    center = np.average(examples.x, axis=0, weights=examples.weight)
    scale = examples.x.std(axis=0) + 1e-9
    x = (examples.x - center) / scale
    for features in (2, 1):
        model = LogisticRegression(C=100.0).fit(x[:, :features], examples.y, examples.weight)
        slopes = np.append(model.coef_[0], 0.0)[:2] / scale
        if not examples.falling or slopes[1] <= 0:
            break
    return float(model.intercept_[0] - slopes @ center), float(slopes[0]), float(slopes[1])


def _logistic(weights: tuple[float, float, float], x: Doubles) -> Doubles:
    from scipy.special import expit

    return np.asarray(expit(weights[0] + x @ np.array(weights[1:])))


def _rounded(values: Doubles | Ints) -> tuple[float, ...]:
    return tuple(np.asarray(values, np.float64).round(4).tolist())
