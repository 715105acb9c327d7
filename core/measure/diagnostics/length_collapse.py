from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import format_value, per_item
from core.measure.pair_ranks import pair_ranks
from core.measure.verdicts import Advice, Threshold
from core.numerics.nulls import isotropic_rankme
from core.numerics.sampling import items_error
from core.numerics.spectra import BLOCK, moments, moments_of, projections, rankme
from core.numerics.stats import normal, rank_correlation, ranks, shuffled_p
from core.registry import Range
from core.types import Curve, Doubles, Finding, Ints, Reference, Space

BINS = 8
LEAST = 16  # texts: two a bin
QUERIES = 5000  # texts with pairs; as many as pair margins ask by default, so they are shared
ENOUGH = 5  # texts of a bin from which a recall is told
RANKED = 4000  # texts of a bin whose directions are counted, at most

TOPIC = (
    ". Whether it is length or topic cannot be told from here: see truncation, which cuts the "
    "same texts and encodes them again."
)


@diagnostic(
    title="Length collapse",
    family="Collapse",
    source="Zhou et al. Length-Induced Embedding Collapse in PLM-based Models. ACL 2025.",
    aid="Mean cosine of two texts of about one length. A rise to the right says that long texts "
    "crowd.",
    better="low",
    bounds=(-1.0, 1.0),
    invariant=("rotation", "order"),
    threshold=Threshold(
        "rank correlation of length and nearness to the middle; 0 where chance would do",
        good=0.1,
        bad=0.4,
        source="ours",
    ),
    advice=Advice(
        why="Long texts that crowd together are found for everything or for nothing.",
        what="Length-bin centring, or encoding again with a temperature below 1; keep it if the "
        "recall of the longest texts rises.",
    ),
    per_item=True,
)
def length_collapse(
    space: Space,
    *,
    shuffles: Annotated[int, Range(99, 9999, "shuffled lengths for the p-value")] = 999,
) -> tuple[Finding, ...]:
    """Whether longer texts crowd together.

    The rank correlation (Spearman) between the length of a text, in characters, and its cosine
    with the mean of all texts. 0 when length does not matter; above 0 longer texts lie nearer to
    the middle, and hence to each other; below 0 shorter ones do. Lengths are cut into eight bins
    with as many texts each, and every bin gets the mean cosine of two of its texts, the number of
    directions its texts use (RankMe, of as many texts from each bin) and, when there are pairs, its
    recall@10; the sentence tells those of the shortest and of the longest texts.

    Long texts often speak of other things than short ones. Telling length from topic takes the
    same texts cut to several lengths and encoded again: that is truncation, which runs the encoder.

    Args:
        space: at least 16 texts of known length, not all of one length.
        shuffles: the p-value is no smaller than one over so many.

    Returns:
        One finding (scope text). The interval is over texts.
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
    p = shuffled_p(x, y, shuffles)
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
            sentence=_sentence((value, low, high), p, middles, crowding)
            + _directions(space, bins)
            + _recalls(space, bins)
            + TOPIC,
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
    """Octile of each text; texts of one length stay together, so there may be fewer bins."""
    edges = np.unique(np.quantile(lengths, np.arange(1, BINS) / BINS, method="lower"))
    found = np.searchsorted(edges, lengths, side="left")
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _bin_cosines(space: Space, bins: Ints) -> Doubles:
    """Exact mean cosine of two different texts of each bin: (n |mean|^2 - 1) / (n - 1)."""
    sums = np.zeros((bins.max() + 1, space.d))
    squares = np.zeros(len(sums))
    for start in range(0, len(bins), BLOCK):
        rows = space.texts[start : start + BLOCK].astype(np.float64)
        part = bins[start : start + BLOCK]
        sums += (part == np.arange(len(sums))[:, None]).astype(np.float64) @ rows
        squares += np.bincount(part, np.einsum("ij,ij->i", rows, rows), len(sums))
    counts = np.bincount(bins)
    return ((sums**2).sum(axis=1) - squares) / np.maximum(1, counts * (counts - 1))


def _directions(space: Space, bins: Ints) -> str:
    """How many directions the shortest and the longest texts use, at equal numbers."""
    ends = [np.flatnonzero(bins == b) for b in (0, bins.max())]
    count = min(RANKED, *map(len, ends))
    rng = np.random.default_rng(0)
    short, long = (
        rankme(moments_of(space.texts[np.sort(rng.choice(rows, count, replace=False))]).eigen[0])
        for rows in ends
    )
    even = isotropic_rankme(count, space.d)
    return (
        f"; {count:,} of the one use {short:.3g} directions (RankMe), as many of the other "
        f"{long:.3g}, evenly spread ones {even:.3g}"
    )


def _recalls(space: Space, bins: Ints) -> str:
    """Recall@10 of the shortest and of the longest bin, when both have enough texts with pairs."""
    found = pair_ranks(space, q=QUERIES)
    of = bins[found.texts - space.n_images]
    hits = found.rank <= 10
    ends = [hits[of == b] for b in (0, bins.max())]
    if min(map(len, ends)) < ENOUGH:
        return ""
    return f"; recall@10 is {ends[0].mean():.0%} and {ends[1].mean():.0%}"


def _sentence(
    number: tuple[float, float, float], p: float, middles: Doubles, crowding: Doubles
) -> str:
    trend = "" if p < 0.05 else ", no more than chance gives"
    ends = f"around {middles[0]:.0f} characters", f"around {middles[-1]:.0f}"
    return (
        f"Length and nearness to the middle have a rank correlation of {format_value(*number)} "
        f"(p {p:.2g} against shuffled lengths, which give 0){trend}. Two texts {ends[0]} have a "
        f"mean cosine of {crowding[0]:.2f}, two {ends[1]} {crowding[-1]:.2f}"
    )
