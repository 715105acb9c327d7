from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, format_value, scopes
from core.measure.verdicts import Advice, Threshold
from core.numerics.kmeans import centers_of, nearest_center
from core.numerics.sampling import groups, sampled_rows
from core.numerics.spectra import Moments, moments
from core.numerics.stats import Z, clustered_error, normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Floats, Ints, Reference, Scope, Space

LEAST = 16  # items: two cells of four, for the fit and for the count
A_CELL = 4  # items per cell that the fit and the count get each, at least
FITS = 4  # codebooks, each from a half of its own
STUDENT = 3.182446 / Z  # the 95 % point of the t distribution with FITS - 1 degrees of freedom


@diagnostic(
    title="Codebook use",
    family="Collapse",
    source="Zhu et al. Addressing Representation Collapse in Vector Quantized Models with One "
    "Linear Layer (SimVQ). 2024; its use on k-means cells of stored vectors is ours.",
    aid="Share of the items in each cell, largest first. A flat line is an even codebook; a steep "
    "start is a few crowded places.",
    better="high",
    bounds=(0.0, 1.0),
    invariant=(),
    threshold=Threshold(
        "perplexity as a share of that of a normal cloud", good=0.5, bad=0.25, source="ours"
    ),
    advice=Advice(
        why="A quantised index (IVF, PQ) gives every cell the same room: uneven cells make it "
        "slow where items crowd and wrong where they are few.",
        what="Centring before the index is built, or fewer cells; keep it if recall@10 against "
        "exact search rises at the same speed.",
    ),
)
def codebook_collapse(
    space: Space,
    *,
    cells: Annotated[int, Range(2, 4096, "k-means cells, at most")] = 64,
    sample: Annotated[int, Range(100, 200_000, "items of a kind looked at, at most")] = 5000,
) -> tuple[Finding, ...]:
    """How evenly the items fill the cells of a codebook made for them.

    Half of the items choose k-means cells; the other half is sorted into them; this four times,
    with other halves. The value is the mean normalised perplexity exp(-sum p log p) / K of the
    shares p: 1 when all K cells are filled alike, 1 / K when one cell takes everything. More items
    choose evener cells, so beyond `sample` a random part is looked at. The reference is what the
    same makes of a normal distribution with the same mean and covariance: k-means leaves cells
    empty there too. Values far below it mean that most items sit in a few places, and that a
    quantised index (IVF, PQ) will be uneven. A crowd whose members differ gets cells of its own,
    so this finds copies and few-valued spaces rather than cones.

    Utilisation is the share of cells with at least one item over the share that evenly chosen
    cells would reach, 1 - (1 - 1/K)^n.

    Args:
        space: at least 16 items of one kind.
        cells: fewer when there are fewer than eight items for each.
        sample: drawn at random beyond.

    Returns:
        A finding each for images and texts. The interval is over items and over codebooks.
        curve: share of the items in each cell, largest first; the mean over codebooks.

    Raises:
        TooFew: fewer than 16 images and fewer than 16 texts.

    >>> rows = np.tile(np.eye(2, dtype=np.float32), (16, 1))
    >>> codebook_collapse(Space(rows, tuple(map(str, range(32))), 32), cells=2)[0].value > 0.9
    True
    """
    among = scopes(space, LEAST, "Codebook use")
    return tuple(_measure(space, scope, cells, sample) for scope in among)


def perplexity(counts: Ints | Doubles) -> float:
    """exp(-sum p log p): how many cells of equal size would be as hard to guess.

    >>> round(perplexity(np.array([4, 2, 1, 1, 0])), 6)
    3.363586
    """
    p = counts[counts > 0] / counts.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def utilisation(counts: Ints) -> float:
    """Share of cells in use over the share that as many evenly chosen cells would reach.

    >>> [round(utilisation(np.array(c)), 6) for c in ([5, 0], [1, 1])]
    [0.516129, 1.333333]
    """
    cells, n = len(counts), int(counts.sum())
    return float((counts > 0).mean() / -np.expm1(n * np.log1p(-1 / cells)))


def _measure(space: Space, scope: Scope, cells: int, sample: int) -> Finding:
    rows = sampled_rows(space, scope, sample, 0)
    half = len(rows) // 2
    k = max(2, min(cells, half // A_CELL))
    fits = [_fitted(space, rows, k, seed) for seed in range(FITS)]
    counts = np.stack([np.bincount(codes, minlength=k) for _, codes in fits])
    each = np.array([perplexity(c) / k for c in counts])
    value = float(each.mean())
    items = value * _error(space, *fits[0], counts[0])
    books = STUDENT * float(each.std(ddof=1)) / np.sqrt(FITS)
    low, high = normal(value, float(np.hypot(items, books)), 1 / k, 1.0)
    cloud = _gaussian(moments(space, scope), len(rows))
    even = perplexity(np.bincount(_codes(cloud[:half], cloud[half:], k, 0), minlength=k)) / k
    shares = np.sort(counts, axis=1)[:, ::-1].mean(axis=0) / (len(rows) - half)
    return Finding(
        scope=scope,
        value=value,
        low=min(low, value),
        high=max(high, value),
        reference=Reference(even, "normal, same mean and covariance"),
        yardstick=value / even,
        sentence=_sentence(scope, (value, low, high), even, counts),
        sampled=(
            f"{half:,} {PLURAL[scope]} for the cells and {len(rows) - half:,} others counted, of "
            f"{space.span(scope).stop - space.span(scope).start:,}; {FITS} times"
        ),
        curve=Curve(np.arange(1.0, k + 1), shares, "cell, largest first", "share of the items"),
    )


def _sentence(scope: Scope, number: tuple[float, float, float], even: float, counts: Ints) -> str:
    k = counts.shape[1]
    value, low, high = (k * x for x in number)
    empty, use = (counts == 0).sum(axis=1).mean(), np.mean([utilisation(c) for c in counts])
    largest = (counts.max(axis=1) / counts.sum(axis=1)).mean()
    return (
        f"The {PLURAL[scope]} fill {k} k-means cells as evenly as "
        f"{format_value(value, low, high)} equal "
        f"ones would be, {number[0]:.0%}; a normal cloud of the same covariance would give "
        f"{even:.0%}. {empty:.3g} cells are empty (use {use:.2f} of what even choice would reach), "
        f"and the largest holds {largest:.1%}, on average over {len(counts)} codebooks."
    )


def _fitted(space: Space, rows: Ints, k: int, seed: int) -> tuple[Ints, Ints]:
    """The rows that are counted and their cells, made from the others."""
    order = np.random.default_rng(seed + 1).permutation(rows)
    fit, count = np.split(order, [len(rows) // 2])
    return count, _codes(space.vectors[fit], space.vectors[count], k, seed)


def _codes(fit: Floats, count: Floats, k: int, seed: int) -> Ints:
    """The cell of each row of `count`, for cells made from `fit`."""
    return nearest_center(count, centers_of(fit, k, seed=seed))


def _gaussian(m: Moments, n: int) -> Floats:
    """(n, d) unit rows around the same mean with the same covariance."""
    values, directions = m.centered_eigen
    drawn = np.random.default_rng(1).standard_normal((n, m.d), np.float32) * np.sqrt(values).astype(
        np.float32
    )
    rows = drawn @ directions.T.astype(np.float32) + m.mean.astype(np.float32)
    unit: Floats = rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))
    return unit


def _error(space: Space, rows: Ints, codes: Ints, counts: Ints) -> float:
    """Standard error of the entropy of the shares: the mean of -log p over items."""
    surprise = -np.log(counts[codes] / len(codes))
    linked = groups(space)[rows]
    if len(np.unique(linked)) < 2:
        linked = rows
    return clustered_error(surprise, linked)
