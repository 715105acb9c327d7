"""Expected and observed false positives: several null distributions, several forms of query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from core.numerics.neighbors import cosines
from core.numerics.sampling import groups
from core.search.background_queries import BackgroundQueries, background_queries, null_tail
from core.search.null import fit_null
from core.types.arrays import Doubles
from core.types.query import Mix, Part, Query
from core.types.space import Space
from tests.bench.rows import row

EXPECTED = (0.3, 1.0, 10.0)
IN_USE = "background queries (the default)"
FORMS: dict[str, tuple[tuple[str, ...], tuple[float, ...], Mix]] = {
    "text": (("text",), (1.0,), "sum"),
    "image": (("image",), (1.0,), "sum"),
    "text + text": (("text", "text"), (1.0, 1.0), "centred"),
    "text - text": (("text", "text"), (1.0, -1.0), "centred"),
    "image + text": (("image", "text"), (1.0, 1.0), "centred"),
    "image + text, sum": (("image", "text"), (1.0, 1.0), "sum"),
    "image - text + text": (("image", "text", "text"), (1.0, -1.0, 1.0), "centred"),
}


def tail_rows(name: str, space: Space) -> list[dict[str, Any]]:
    """Queries of every form whose own items are removed: every hit above a cutoff is by chance."""
    rows = []
    for form, (kinds, weights, mix) in FORMS.items():
        query = _query(space, kinds, weights, mix)
        background, judged = (_half(background_queries(space, query), first) for first in (0, 1))
        for rule, null in NULLS.items():
            if rule == IN_USE or form == "text":
                rows += _promised(f"{name}: {form}, {rule}", space, background, judged, null)
    return rows


def _query(space: Space, kinds: tuple[str, ...], weights: tuple[float, ...], mix: Mix) -> Query:
    stands = {"image": space.ids[0], "text": space.ids[-1]}
    parts = (Part(item=stands[k], weight=w) for k, w in zip(kinds, weights, strict=True))
    return Query(tuple(parts), kinds=("image",), mix=mix)


def _half(every: BackgroundQueries, first: int) -> BackgroundQueries:
    """Every second query: one half estimates the null distribution, the other is evaluated."""
    return BackgroundQueries(
        every.vectors[first::2], every.rows[first::2], f"{every.form}, half {first}"
    )


Cosine = Callable[[float], float]  # of a tail probability
Null = Callable[[Space, BackgroundQueries, Doubles], Cosine]


def _promised(
    name: str,
    space: Space,
    background: BackgroundQueries,
    judged: BackgroundQueries,
    null: Null,
) -> list[dict[str, Any]]:
    member, counts = groups(space), []
    scores = cosines(space.images, judged.vectors.T).T.astype(np.float64)
    for values, sources in zip(scores, judged.rows, strict=True):
        rest = values[~np.isin(member[: space.n_images], member[sources])]
        cutoff = null(space, background, rest)
        counts.append([int((rest >= cutoff(e / len(rest))).sum()) for e in EXPECTED])
    mean, empty = np.mean(counts, axis=0), np.mean(np.array(counts) == 0, axis=0)
    return [
        row(
            f"{name}, {expected:g} expected",
            space.n_images,
            space.d,
            round(float(mean[i]), 3),
            "hits per query",
            f"{len(counts)} queries whose own items are removed; {empty[i]:.0%} without any hit, "
            f"expected {np.exp(-expected):.0%}",
            baseline=expected,
            ratio=float(mean[i]) / expected,
        )
        for i, expected in enumerate(EXPECTED)
    ]


def _in_use(space: Space, queries: BackgroundQueries, x: Doubles) -> Cosine:
    return fit_null(x.astype(np.float32), null_tail(space, queries, "image", None)).cosine


def _student(space: Space, queries: BackgroundQueries, x: Doubles) -> Cosine:
    from scipy.special import stdtrit

    n, width = len(x), x.std(ddof=1) * np.sqrt(1 + 1 / len(x))
    return lambda p: float(x.mean() - width * stdtrit(n - 1, min(p, 1.0)))


def _exponential(
    space: Space, background: BackgroundQueries, x: Doubles
) -> Callable[[float], float]:
    start = np.quantile(x, 0.95)
    excess = (x[x > start] - start).mean()
    return lambda p: float(start - excess * np.log(min(p, 0.05) / 0.05))


def _pareto(space: Space, queries: BackgroundQueries, x: Doubles) -> Cosine:
    from scipy.stats import genpareto

    start = np.quantile(x, 0.9)
    shape, _, scale = genpareto.fit(x[x > start] - start, floc=0)
    return lambda p: float(start + genpareto.isf(min(p / 0.1, 1.0), shape, 0, scale))


NULLS: dict[str, Null] = {
    IN_USE: _in_use,
    "its own cosines, Student-normal": _student,
    "its own cosines, exponential top 5 %": _exponential,
    "its own cosines, generalized Pareto top 10 %": _pareto,
}
