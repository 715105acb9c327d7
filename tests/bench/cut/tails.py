"""Chance hits that were promised and that came: several nulls, several forms of question."""

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

EXPECTED = (0.3, 1.0, 10.0)
IN_USE = "told by other questions"
FORMS: dict[str, tuple[tuple[str, ...], tuple[float, ...], Mix]] = {
    "text": (("text",), (1.0,), "sum"),
    "picture": (("image",), (1.0,), "sum"),
    "text + text": (("text", "text"), (1.0, 1.0), "centred"),
    "text - text": (("text", "text"), (1.0, -1.0), "centred"),
    "picture + text": (("image", "text"), (1.0, 1.0), "centred"),
    "picture + text, sum": (("image", "text"), (1.0, 1.0), "sum"),
    "picture - text + text": (("image", "text", "text"), (1.0, -1.0, 1.0), "centred"),
}


def tail_rows(name: str, space: Space) -> list[dict[str, Any]]:
    """Questions of every form whose own items are gone: what passes a cut passes by chance."""
    found = []
    for form, (kinds, weights, mix) in FORMS.items():
        query = _query(space, kinds, weights, mix)
        told, judged = (_half(background_queries(space, query), first) for first in (0, 1))
        for rule, null in NULLS.items():
            if rule == IN_USE or form == "text":
                found += _promised(f"{name}: {form}, {rule}", space, told, judged, null)
    return found


def _query(space: Space, kinds: tuple[str, ...], weights: tuple[float, ...], mix: Mix) -> Query:
    stands = {"image": space.ids[0], "text": space.ids[-1]}
    parts = (Part(item=stands[k], weight=w) for k, w in zip(kinds, weights, strict=True))
    return Query(tuple(parts), kinds=("image",), mix=mix)


def _half(every: BackgroundQueries, first: int) -> BackgroundQueries:
    """Every second question: the ones tell, the others are judged."""
    return BackgroundQueries(
        every.vectors[first::2], every.rows[first::2], f"{every.form}, half {first}"
    )


Null = Callable[[Space, BackgroundQueries, Doubles], Callable[[float], float]]


def _promised(
    name: str, space: Space, told: BackgroundQueries, judged: BackgroundQueries, null: Null
) -> list[dict[str, Any]]:
    member, counts = groups(space), []
    found = cosines(space.images, judged.vectors.T).T.astype(np.float64)
    for row, made_of in zip(found, judged.rows, strict=True):
        rest = row[~np.isin(member[: space.n_images], member[made_of])]
        cut = null(space, told, rest)
        counts.append([int((rest >= cut(e / len(rest))).sum()) for e in EXPECTED])
    mean, empty = np.mean(counts, axis=0), np.mean(np.array(counts) == 0, axis=0)
    return [
        {
            "name": f"{name}, {expected:g} promised",
            "n": space.n_images,
            "d": space.d,
            "value": round(float(mean[i]), 3),
            "unit": "hits a query",
            "baseline": expected,
            "ratio": round(float(mean[i]) / expected, 3),
            "recall": None,
            "note": f"{len(counts)} questions whose own items are gone; {empty[i]:.0%} without any "
            f"hit, promised {np.exp(-expected):.0%}",
        }
        for i, expected in enumerate(EXPECTED)
    ]


def _in_use(space: Space, told: BackgroundQueries, x: Doubles) -> Callable[[float], float]:
    return fit_null(x.astype(np.float32), null_tail(space, told, "image", None)).cosine


def _student(space: Space, told: BackgroundQueries, x: Doubles) -> Callable[[float], float]:
    from scipy.special import stdtrit

    n, width = len(x), x.std(ddof=1) * np.sqrt(1 + 1 / len(x))
    return lambda p: float(x.mean() - width * stdtrit(n - 1, min(p, 1.0)))


def _exponential(space: Space, told: BackgroundQueries, x: Doubles) -> Callable[[float], float]:
    start = np.quantile(x, 0.95)
    excess = (x[x > start] - start).mean()
    return lambda p: float(start - excess * np.log(min(p, 0.05) / 0.05))


def _pareto(space: Space, told: BackgroundQueries, x: Doubles) -> Callable[[float], float]:
    from scipy.stats import genpareto

    start = np.quantile(x, 0.9)
    shape, _, scale = genpareto.fit(x[x > start] - start, floc=0)
    return lambda p: float(start + genpareto.isf(min(p / 0.1, 1.0), shape, 0, scale))


NULLS: dict[str, Null] = {
    IN_USE: _in_use,
    "its own cosines, Student-normal": _student,
    "its own cosines, exponential top 5 %": _exponential,
    "its own cosines, generalised Pareto top 10 %": _pareto,
}
