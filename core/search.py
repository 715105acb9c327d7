"""From one query vector to answers, with what says whether to trust them.

Beside each hit stands the chance that one unrelated item would be as similar to this query (its
tail probability under the query's own null), and how often the item shows up for other queries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, expm1, log1p

import numpy as np

from core.errors import InputError
from core.neighbors import cosines, nearest, select
from core.types import Bools, Doubles, Floats, Hit, Kind, Space, per_space

TRIM = 0.005  # share of the best cosines taken for possible matches, not for background
TAIL = 0.05  # share of the background that an exponential tail is fitted to
BACKGROUND = 50_000  # cosines that the null is fitted to, at most
BINS = 60
HUB_RATIO, HUB_CHANCE = 3.0, 1e-3


@dataclass(frozen=True, slots=True)
class Null:
    """How similar unrelated items are to one query.

    A normal distribution where the background looks normal, with Student's t tail because mean and
    deviation are estimated from `n` cosines; otherwise an exponential tail above `start`.

    Source: the rule and its calibration (1.2 chance hits where 1 was promised) were measured for
    this project; the tail above a threshold is Pickands, Annals of Statistics 1975, with shape 0.
    """

    mean: float
    sd: float
    n: int
    start: float = float("inf")
    excess: float = 0.0

    def p(self, cosine: Floats | Doubles) -> Doubles:
        """Tail probability of each cosine: the chance that one unrelated item reaches it.

        >>> null = Null(mean=0.1, sd=0.05, n=1_000_000)
        >>> null.p(np.array([0.1, 0.2])).round(4).tolist()
        [0.5, 0.0228]
        """
        from scipy.special import stdtr

        x = np.asarray(cosine, np.float64)
        if self.n < 3 or self.sd <= 0:
            return np.ones_like(x)
        z = (x - self.mean) / (self.sd * np.sqrt(1 + 1 / self.n))
        normal = stdtr(self.n - 1, -z)
        if self.excess <= 0:
            return np.asarray(normal)
        tail = TAIL * np.exp(-np.maximum(x - self.start, 0) / self.excess)
        return np.where(x > self.start, tail, np.maximum(normal, TAIL))


@dataclass(frozen=True)
class Answer:
    """What a query found.

    `nulls`, `edges` and `counts` describe the cosines of all candidates by kind; `p_value` is the
    chance that the best hit would be this good if nothing here matched; `n` candidates were
    compared. `sentence` says whether anything stands out.
    """

    hits: tuple[Hit, ...]
    nulls: Mapping[Kind, Null]
    edges: Doubles
    counts: Mapping[Kind, Doubles]
    n: int
    p_value: float
    sentence: str


def search(
    space: Space,
    vector: Floats,
    *,
    k: int = 24,
    start: int = 0,
    kinds: tuple[Kind, ...] = ("image", "text"),
    mask: Bools | None = None,
    exclude: int | None = None,
) -> Answer:
    """The k best items for one query vector, exactly.

    Args:
        space: where to look.
        vector: (d,) unit vector of the query.
        k: hits to return.
        start: hits to skip before the first.
        kinds: what may be found.
        mask: (n,) rows that may be found.
        exclude: a row that must not be found: the item that asks.

    Raises:
        InputError: the vector's length is not the space's.
    """
    if vector.shape != (space.d,):
        raise InputError(f"The query has {vector.size} dimensions; the collection has {space.d}.")
    allowed = _allowed(space, kinds, mask, exclude)
    all_cosines = cosines(space.vectors, vector)
    scores = np.where(allowed, all_cosines - space.offset, -np.inf).astype(np.float32)[None]
    rows, values = select(scores, min(start + k, int(allowed.sum())))
    by_kind = {kind: all_cosines[_side(space, kind)][allowed[_side(space, kind)]] for kind in kinds}
    nulls = {kind: fit_null(found) for kind, found in by_kind.items()}
    edges = np.linspace(*_ends(all_cosines[allowed]), BINS + 1)
    hubs = hub_ratios(space)
    hits = []
    for rank, row in enumerate(rows[0, start:].tolist(), start + 1):
        kind: Kind = "image" if row < space.n_images else "text"
        cosine = float(all_cosines[row])
        p = float(nulls[kind].p(np.array([cosine]))[0])
        score = float(values[0, rank - 1])
        hits.append(Hit(space.ids[row], row, rank, score, cosine, p, float(hubs[row])))
    p_value = _best_of(rows[0], all_cosines, nulls, space.n_images, int(allowed.sum()))
    return Answer(
        tuple(hits),
        nulls,
        edges,
        {kind: np.histogram(x, edges)[0].astype(np.float64) for kind, x in by_kind.items()},
        int(allowed.sum()),
        p_value,
        _sentence(p_value, int(allowed.sum())),
    )


def fit_null(background: Floats) -> Null:
    """The null of one query, from its cosines with all candidates of one kind.

    The best 0.5 % (at least a few) are left out, because they may be matches; mean and deviation
    are corrected for what was left out as if all had been normal.
    """
    from scipy.special import ndtri

    n = len(background)
    if n < 3:
        return Null(0.0, 0.0, n)
    sample = background[:: -(-n // BACKGROUND)].astype(np.float64)
    n = len(sample)
    dropped = max(int(np.ceil(TRIM * n)), min(5, n // 10))
    kept = np.sort(sample)[: n - dropped]
    mean, sd = float(kept.mean()), float(kept.std(ddof=1)) if len(kept) > 1 else 0.0
    if dropped and sd > 0:
        z = float(ndtri(1 - dropped / n))
        ratio = exp(-z * z / 2) / np.sqrt(2 * np.pi) / (1 - dropped / n)
        sd /= float(np.sqrt(1 - z * ratio - ratio**2))
        mean += sd * ratio
    if sd <= 0 or len(kept) < 400 or _looks_normal(kept):
        return Null(mean, sd, len(kept))
    tail = kept[int((1 - TAIL) * n) :]
    return Null(mean, sd, len(kept), float(tail[0]), float((tail - tail[0]).mean()))


@per_space
def hub_ratios(space: Space) -> Floats:
    """(n,) how many times more often than average an item is among the 10 best answers.

    The other modality asks where there is one (that is how people search), else the same. 0
    where an item is no clear hub or the sample is too small to say.
    """
    from scipy.special import pdtrc

    ratios = np.zeros(space.n, np.float32)
    for kind in ("image", "text"):
        side = _side(space, kind)
        other: Kind = "text" if kind == "image" else "image"
        asker = other if len(_range(space, other)) >= 10 else kind
        if len(_range(space, kind)) < 30 or len(_range(space, asker)) < 10:
            continue
        lists = nearest(space, asker, kind)
        counts = np.bincount(lists.indices.ravel(), minlength=space.n)[side]
        mean = counts.mean()
        by_chance = pdtrc(np.maximum(counts - 1, 0), mean)
        hub = (counts >= HUB_RATIO * mean) & (by_chance < HUB_CHANCE)
        ratios[side] = np.where(hub, counts / mean, 0)
    return ratios


def _range(space: Space, kind: Kind) -> range:
    return range(space.n_images) if kind == "image" else range(space.n_images, space.n)


def _side(space: Space, kind: str) -> slice:
    return slice(0, space.n_images) if kind == "image" else slice(space.n_images, space.n)


def _allowed(
    space: Space, kinds: tuple[Kind, ...], mask: Bools | None, exclude: int | None
) -> Bools:
    allowed = np.ones(space.n, bool) if mask is None else mask.copy()
    for kind in ("image", "text"):
        if kind not in kinds:
            allowed[_side(space, kind)] = False
    if exclude is not None:
        allowed[exclude] = False
    return allowed


def _ends(values: Floats) -> tuple[float, float]:
    """Ends of the histogram: the data's, a little wider."""
    if not len(values):
        return -1.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = max(1e-3, 0.02 * (high - low))
    return low - margin, high + margin


def _looks_normal(kept: Doubles) -> bool:
    z = (kept - kept.mean()) / kept.std()
    return bool(abs((z**3).mean()) < 0.2 and abs((z**4).mean() - 3) < 0.3)


def _best_of(
    rows: np.typing.NDArray[np.int64],
    all_cosines: Floats,
    nulls: Mapping[Kind, Null],
    n_images: int,
    n: int,
) -> float:
    """Chance that the best of n unrelated items would be as good as the best hit."""
    if not len(rows):
        return 1.0
    kind: Kind = "image" if rows[0] < n_images else "text"
    p = float(nulls[kind].p(all_cosines[rows[:1]])[0])
    return -expm1(n * log1p(-p)) if p < 1 else 1.0


def _sentence(p_value: float, n: int) -> str:
    if not n:
        return "Nothing to compare with: no item passes the filters."
    if n < 8:
        return f"Only {n} items to compare with: too few to say whether any of them matches."
    chance = _percent(p_value)
    if p_value < 0.05:
        return f"The best hit stands out: among {n:,} unrelated items the chance is {chance}."
    return (
        f"Nothing stands out: the best of {n:,} unrelated items would be this similar "
        f"with a chance of {chance}."
    )


def _percent(p: float) -> str:
    """A chance in words that claim no more than is known.

    >>> _percent(0.00001), _percent(0.034), _percent(0.26), _percent(0.999)
    ('less than 0.1 %', '3.4 %', '26 %', 'more than 99 %')
    """
    if p < 0.001:
        return "less than 0.1 %"
    if p > 0.99:
        return "more than 99 %"
    return f"{100 * p:.1f} %" if p < 0.1 else f"{100 * p:.0f} %"
