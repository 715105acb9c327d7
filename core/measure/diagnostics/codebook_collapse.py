from __future__ import annotations

from typing import Annotated

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import PLURAL, format_value, percent, scopes, share
from core.measure.pair_ranks import clusters
from core.measure.verdicts import Advice, Threshold
from core.numerics.kmeans import centers_of, nearest_center
from core.numerics.sampling import sampled_rows
from core.numerics.spectra import SAME, entropy, moments
from core.numerics.stats import Z, clustered_error, normal
from core.registry import Range
from core.types import Curve, Doubles, Finding, Floats, Ints, Reference, Scope, Space

LEAST = 16  # items: two cells of four, for the fit and for the count
A_CELL = 4  # items per cell for the fit and for the count, at least
FITS = 4  # codebooks, each from a half of its own
STUDENT = 3.182446 / Z  # the 95% point of the t distribution with FITS - 1 degrees of freedom


@diagnostic(
    title="Codebook use",
    concern="An index would use few of its cells",
    family="Collapse",
    source="Zhu et al. Addressing Representation Collapse in Vector Quantized Models with One "
    "Linear Layer (SimVQ). 2024; its use on k-means cells of stored vectors is ours.",
    aid="Share of the items in each cell, largest first. A flat line is a balanced codebook; a "
    "steep start is a few dense regions.",
    better="high",
    bounds=(0.0, 1.0),
    invariant=(),
    percent=True,
    threshold=Threshold(
        "perplexity as a share of that of a normal distribution", good=0.5, bad=0.25, source="ours"
    ),
    over="as many images or texts like these, and other codebooks",
    advice=Advice(
        why="A quantized index (IVF, PQ) gives every cell the same budget: unbalanced cells make "
        "it slow where items are dense and inaccurate where they are sparse.",
        what="Center the vectors before building the index, or use fewer cells; keep it if "
        "recall@10 against exact search rises at the same speed.",
    ),
)
def codebook_collapse(
    space: Space,
    *,
    cells: Annotated[int, Range(2, 4096, "k-means cells, at most")] = 64,
    sample: Annotated[int, Range(100, 200_000, "items of a kind measured, at most")] = 5000,
) -> tuple[Finding, ...]:
    """How evenly items fill the cells of a k-means codebook fitted to them.

    Half of the items fit the k-means cells and the other half is assigned to them, four times with
    other halves. The value is the mean normalized perplexity exp(-sum p log p) / K of the shares p:
    1 when all K cells are filled equally, 1 / K when one cell takes everything. It grows with the
    number of items, so beyond `sample` a random part is used. The reference is the mean of four
    draws of a normal distribution with the same mean and covariance (shrunk by Ledoit and Wolf
    2004, because that of few items is too narrow), where k-means leaves cells empty too; of items
    that are all one point it is 1, evenly filled cells.
    Values far below it mean that most items concentrate in a few regions, and that a quantized
    index (IVF, PQ) will be unbalanced. A dense group whose members differ gets cells of its own, so
    this detects copies and few-valued spaces rather than cones.

    Utilization is the share of cells with at least one item over the share that a uniform
    assignment would reach, 1 - (1 - 1/K)^n.

    Args:
        space: at least 16 items of one kind.
        cells: fewer when there are fewer than eight items per cell.
        sample: drawn at random beyond.

    Returns:
        A finding each for images and texts. The interval is over as many items and over
        codebooks.
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
    """exp(-sum p log p): the effective number of cells.

    >>> round(perplexity(np.array([4, 2, 1, 1, 0])), 6)
    3.363586
    """
    return float(np.exp(entropy(counts.astype(np.float64))))


def utilization(counts: Ints) -> float:
    """Share of cells in use over that of a uniform assignment of as many items.

    >>> [round(utilization(np.array(c)), 6) for c in ([5, 0], [1, 1])]
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
    draws = len(np.unique(clusters(space, rows)))
    low, high = normal(value, float(np.hypot(items, books)), 1 / k, 1.0, draws=draws)
    one_point = float(np.trace(moments(space, scope).covariance)) < SAME
    if one_point:  # a normal distribution without variance would use one cell too
        reference, against, range_of = (
            Reference(1.0, "evenly filled cells"),
            "evenly filled cells",
            "",
        )
        meaning = f"All {PLURAL[scope]} are one point, in one cell of a quantized index (IVF, PQ)."
    else:
        normals = _references(space, scope, rows, k)
        reference = Reference(float(normals.mean()), "normal, same mean and covariance")
        against = "a normal distribution"
        range_of = (
            f" {FITS} normal distributions: {share(normals.min())} to {share(normals.max())}."
        )
        meaning = "Far below it, a quantized index (IVF, PQ) becomes unbalanced."
    shares = np.sort(counts, axis=1)[:, ::-1].mean(axis=0) / (len(rows) - half)
    return Finding(
        scope=scope,
        value=value,
        low=low,
        high=high,
        reference=reference,
        yardstick=0.0 if one_point else value / reference.value,
        sentence=(
            f"Codebook use (normalized perplexity) of the {PLURAL[scope]} is "
            f"{percent(value, low, high)}, against {share(reference.value)} for {against}. "
            f"{meaning}"
        ),
        detail=f"{_detail(counts)}{range_of}",
        sampled=(
            f"{half:,} {PLURAL[scope]} for the cells and {len(rows) - half:,} others counted, of "
            f"{space.span(scope).stop - space.span(scope).start:,}; {FITS} times"
        ),
        curve=Curve(np.arange(1.0, k + 1), shares, "cell, largest first", "share of the items"),
    )


def _detail(counts: Ints) -> str:
    fits, k = counts.shape
    empty, use = (counts == 0).sum(axis=1).mean(), np.mean([utilization(c) for c in counts])
    largest = (counts.max(axis=1) / counts.sum(axis=1)).mean()
    return (
        f"Of {k} k-means cells {format_value(empty)} are empty (utilization {use:.2f} of a uniform "
        f"assignment's) and the largest holds {share(largest)}, averaged over {fits} codebooks."
    )


def _fitted(space: Space, rows: Ints, k: int, seed: int) -> tuple[Ints, Ints]:
    """The rows that are counted and their cells, fitted on the others."""
    order = np.random.default_rng(seed + 1).permutation(rows)
    fit, count = np.split(order, [len(rows) // 2])
    return count, _codes(space.vectors[fit], space.vectors[count], k, seed)


def _codes(fit: Floats, count: Floats, k: int, seed: int) -> Ints:
    """The cell of each row of `count`, for cells fitted on `fit`."""
    return nearest_center(count, centers_of(fit, k, seed=seed))


def _references(space: Space, scope: Scope, rows: Ints, k: int) -> Doubles:
    """(FITS,) the same for as many rows of normal distributions."""
    from sklearn.covariance import ledoit_wolf_shrinkage

    m = moments(space, scope)
    values, directions = m.centered_eigen
    shrunk = ledoit_wolf_shrinkage(space.vectors[rows])
    spread = np.sqrt((1 - shrunk) * values + shrunk * values.mean())
    half, result = len(rows) // 2, []
    for seed in range(FITS):
        drawn = np.random.default_rng(seed + 1).standard_normal((len(rows), m.d), np.float32)
        x = (drawn * spread.astype(np.float32)) @ directions.T.astype(np.float32)
        x += m.mean.astype(np.float32)
        x /= np.maximum(1e-9, np.linalg.norm(x, axis=1, keepdims=True))
        codes = _codes(x[:half], x[half:], k, seed)
        result.append(perplexity(np.bincount(codes, minlength=k)) / k)
    return np.array(result)


def _error(space: Space, rows: Ints, codes: Ints, counts: Ints) -> float:
    """Standard error of the entropy of the shares: the mean of -log p over items."""
    surprise = -np.log(counts[codes] / len(codes))
    return clustered_error(surprise, clusters(space, rows))
