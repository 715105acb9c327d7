from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import estimate, format_value, per_item, share
from core.measure.pair_ranks import pair_ranks
from core.measure.verdicts import Advice, Threshold
from core.numerics.nulls import isotropic_rankme
from core.numerics.sampling import groups, items_error
from core.numerics.spectra import BLOCK, moments, moments_of, projections, rankme
from core.numerics.stats import normal, rank_correlation, ranks, shuffled_p
from core.registry import Range
from core.types import Curve, Doubles, Finding, Ints, Reference, Space

BINS = 8
LEAST = 16  # texts: two per bin
QUERIES = 5000  # texts with pairs; the default of pair_margin, so the ranks are shared
ENOUGH = 5  # texts of a bin for a recall
RANKED = 4000  # texts of a bin for RankMe, at most


@diagnostic(
    title="Length collapse",
    concern="Long and short texts lie apart",
    worst="low",
    family="Collapse",
    source="Zhou et al. Length-Induced Embedding Collapse in PLM-based Models. ACL 2025.",
    aid="Mean cosine of two texts of similar length. A rise to the right means that long texts "
    "crowd together.",
    better="low",
    bounds=(-1.0, 1.0),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "rank correlation of length and closeness to the mean; 0 if not significant",
        good=0.1,
        bad=0.4,
        source="ours",
    ),
    advice=Advice(
        why="Long texts that crowd together are retrieved for every query or for none.",
        what="Length-bin centering, or encoding again with a temperature below 1; keep it if the "
        "recall of the longest texts rises.",
    ),
    over="images with texts like these",
    per_item=True,
)
def length_collapse(
    space: Space,
    *,
    shuffles: Annotated[int, Range(99, 9999, "shuffled lengths for the p-value")] = 999,
) -> tuple[Finding, ...]:
    """Rank correlation of text length and closeness to the mean: whether long texts crowd.

    Spearman correlation of the length of a text, in characters, with its cosine to the mean of all
    texts. 0 when length does not matter; above 0 longer texts lie closer to the mean, and hence to
    each other; below 0 shorter ones do. Texts are binned by length into octiles, and every bin gets
    the mean cosine of two of its texts, its RankMe (of equally many texts per bin) and, when there
    are pairs, its recall@10; the detail gives those of the shortest and of the longest bin.

    Long texts often differ from short ones in topic. Separating length from topic takes the same
    texts truncated to several lengths and encoded again: that is truncation, which runs the
    encoder.

    Args:
        space: at least 16 texts of known length, not all of one length.
        shuffles: the smallest p-value is one over this number.

    Returns:
        One finding (scope text). The interval is over texts; the p-value is that of exchanging
        the lengths of whole images, because captions of one image are alike.
        per_item: cosine of a text with the mean of all texts.
        curve: mean cosine of two texts of a bin, against the bin's median length.

    Raises:
        TooFew: fewer such texts, or of fewer than two lengths.

    >>> turn = np.linspace(1.5, 0, 16)  # the longer, the nearer to the first axis
    >>> rows = np.stack([np.cos(turn), np.sin(turn) * (-1.0) ** np.arange(16)], 1)
    >>> space = Space(rows.astype(np.float32), tuple("abcdefghijklmnop"), 0,
    ...               text_lengths=np.arange(16))
    >>> round(length_collapse(space)[0].value, 2) > 0.9
    True
    """
    lengths = np.asarray(space.text_lengths, np.int64)
    _check(lengths)
    mean = moments(space, "text").mean
    toward = projections(space.texts, mean / max(1e-12, float(np.linalg.norm(mean))))
    first = space.n_images
    # Cosines that differ by rounding only are ties, not an order.
    x, y = ranks(lengths.astype(np.float64)), ranks(np.round(toward, 6))
    value, moved = rank_correlation(x, y)
    error = items_error(space, {"text": lambda rows: moved[rows - first]})
    low, high = normal(value, error, -1.0, 1.0)
    p = shuffled_p(x, y, shuffles, groups(space)[space.span("text")])
    bins = _bins(lengths)
    crowding = _bin_cosines(space, bins)
    middles = np.array([float(np.median(lengths[bins == b])) for b in range(bins.max() + 1)])
    return (
        Finding(
            scope="text",
            value=value,
            low=low,
            high=high,
            reference=Reference(0.0, "shuffled lengths"),
            yardstick=value if p < 0.05 else min(value, 0.0),
            sentence=(
                f"The length correlation (length with closeness to the mean) is "
                f"{estimate(value, low, high)}, against 0 for shuffled lengths "
                f"(p {format_value(p)}). "
                + (
                    "Length may stand for topic: the truncation probe separates the two."
                    if p < 0.05
                    else "That is not significant."
                )
            ),
            detail=_crowding(middles, crowding) + _directions(space, bins) + _recalls(space, bins),
            sampled=f"exact, all {len(lengths):,} texts",
            per_item=per_item(space, space.span("text"), toward),
            per_item_title="cosine with the mean of all texts",
            curve=Curve(middles, crowding, "characters", "mean cosine of two texts"),
        ),
    )


def _check(lengths: Ints) -> None:
    if len(lengths) < LEAST:
        raise TooFew(
            "Length collapse", LEAST, "texts of known length", len(lengths), "Add captions."
        )
    if lengths.min() == lengths.max():
        raise TooFew("Length collapse", 2, "different lengths of texts", 1, "Add other captions.")


def _bins(lengths: Ints) -> Ints:
    """Octile of each text; texts of equal length share a bin, so there may be fewer bins.

    There are two at least: where most texts have the largest length, all shorter ones are the
    other bin.
    """
    edges = np.unique(np.quantile(lengths, np.arange(1, BINS) / BINS, method="lower"))
    if edges[0] == lengths.max():
        edges = np.array([lengths[lengths < lengths.max()].max()])
    result = np.searchsorted(edges, lengths, side="left")
    return np.unique(result, return_inverse=True)[1].astype(np.int64)


def _bin_cosines(space: Space, bins: Ints) -> Doubles:
    """Exact mean cosine of two different texts of each bin: (n |mean|^2 - 1) / (n - 1).

    NaN for a bin of one text.
    """
    sums = np.zeros((bins.max() + 1, space.d))
    squares = np.zeros(len(sums))
    for start in range(0, len(bins), BLOCK):
        rows = space.texts[start : start + BLOCK].astype(np.float64)
        part = bins[start : start + BLOCK]
        sums += (part == np.arange(len(sums))[:, None]).astype(np.float64) @ rows
        squares += np.bincount(part, np.einsum("ij,ij->i", rows, rows), len(sums))
    counts = np.bincount(bins)
    both = (sums**2).sum(axis=1) - squares
    return np.where(counts > 1, both / np.maximum(1, counts * (counts - 1)), np.nan)


def _directions(space: Space, bins: Ints) -> str:
    """RankMe of the shortest and of the longest bin, from equally many texts."""
    ends = [np.flatnonzero(bins == b) for b in (0, bins.max())]
    count = min(RANKED, *map(len, ends))
    rng = np.random.default_rng(0)
    short, long = (
        rankme(moments_of(space.texts[np.sort(rng.choice(rows, count, replace=False))]).eigen[0])
        for rows in ends
    )
    even = isotropic_rankme(count, space.d)
    each = f"{format_value(short)} and {format_value(long)}"
    return f" RankMe of {count:,} of each: {each} (isotropic {format_value(even)})."


def _recalls(space: Space, bins: Ints) -> str:
    """Recall@10 of the shortest and of the longest bin, when both have enough texts with pairs."""
    result = pair_ranks(space, q=QUERIES)
    of = bins[result.texts - space.n_images]
    hits = result.rank <= 10
    ends = [hits[of == b] for b in (0, bins.max())]
    if min(map(len, ends)) < ENOUGH:
        return ""
    return f" Recall@10: {share(ends[0].mean())} and {share(ends[1].mean())}."


def _crowding(middles: Doubles, crowding: Doubles) -> str:
    return (
        f"Mean cosine of two texts of about {middles[0]:.0f} and of about {middles[-1]:.0f} "
        f"characters: {format_value(crowding[0])} and {format_value(crowding[-1])}."
    )
