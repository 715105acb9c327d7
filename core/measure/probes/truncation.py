from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.findings import estimate, format_value
from core.measure.probe_data import ProbeData, unrelated
from core.measure.probes import probe
from core.measure.verdicts import Advice, Threshold
from core.registry import Range
from core.types import Curve, Doubles, Finding, Floats, Ints, Reference

LEAST = 16  # texts; as in length collapse
A_BIN = 8  # texts in a length bin, at least
RESAMPLES = 500
CHANCE = 0.05  # p-value from which a slope is not significant


@probe(
    title="Truncation",
    family="Encoder",
    source="Zhou et al. Length-Induced Embedding Collapse in PLM-based Models. ACL 2025; the same "
    "texts truncated to several lengths, as a control: ours.",
    aid="Mean cosine of two texts against their number of words: the same texts truncated, and "
    "full texts. Only a rise of the first is due to the encoder.",
    better="low",
    bounds=(-2.0, 2.0),
    takes="texts",
    over="texts like these",
    threshold=Threshold(
        "rise of the mean cosine per doubling of the length of the same texts; 0 if not "
        "significant",
        good=0.02,
        bad=0.08,
        source="ours",
    ),
    advice=Advice(
        why="It separates an encoder that crowds long texts from long texts on similar topics: "
        "only the first can be fixed without other texts.",
        what="Truncate texts to the length at which they are farthest apart, or encode again with "
        "a temperature below 1; keep it if the recall of the longest texts rises.",
    ),
)
def truncation(
    data: ProbeData,
    *,
    shuffles: Annotated[int, Range(99, 9999, "shuffled lengths for the p-value")] = 499,
) -> tuple[Finding, ...]:
    """Change of the mean cosine per doubling of text length, at constant topic.

    Length collapse compares long texts with short ones, which may differ in topic. Here the first
    words of the same texts are encoded again at several lengths, so the topic stays. The value is
    the rise of the mean cosine of two different texts when their length doubles. 0 when length does
    not matter; above 0 the encoder crowds longer texts; below 0 more words separate them, as they
    should. Where this is not above 0 but the slope of the full texts is, their topics are similar.

    Args:
        data: at least 16 texts truncated to at least two lengths.
        shuffles: the smallest p-value is one over this number.

    Returns:
        "truncation: cut", and "truncation: natural" where full texts have two lengths or
        more; scope text, with bootstrap intervals over texts.
        curve: mean cosine of two texts against their number of words.

    Raises:
        TooFew: fewer texts or lengths.

    >>> turn = np.linspace(0, 1.5, 16)  # the full texts are closer together than their halves
    >>> halves = np.stack([np.cos(2 * turn), np.sin(2 * turn)], 1)
    >>> full = np.stack([np.cos(turn), np.sin(turn)], 1)
    >>> cut = np.stack([halves, full]).astype(np.float32)
    >>> truncation(ProbeData(cut=cut, cut_to=np.array([8, 16])))[0].value > 0.3
    True
    """
    lengths, texts = data.cut.shape[:2]
    if texts < LEAST:
        raise TooFew(
            "Truncation", LEAST, "texts long enough to truncate", texts,
            "Add longer captions, or several for an image.",
        )  # fmt: skip
    if lengths < 2:
        raise TooFew("Truncation", 2, "lengths to truncate to", lengths, "Add longer captions.")
    p = _p_value(data.cut, data.cut_to, shuffles)
    crowding = np.array([_crowding(rows, np.ones((1, texts)))[0] for rows in data.cut])
    number = _interval(list(data.cut), data.cut_to, shared=True)
    natural = _natural(data)
    rises = number[0] > 0 and p < CHANCE
    cut = Finding(
        name="cut",
        scope="text",
        value=number[0],
        low=number[1],
        high=number[2],
        reference=Reference(0.0, "the same texts with their lengths shuffled"),
        yardstick=number[0] if rises else min(number[0], 0.0),
        sentence=(
            f"The rise of the mean cosine per doubling of text length is {_signed(number)}, "
            f"against 0 for shuffled lengths (p {format_value(p)}). {_conclusion(rises, natural)}"
        ),
        detail=(
            f"Mean cosine {format_value(crowding[0])} at {data.cut_to[0]} words and "
            f"{format_value(crowding[-1])} at {data.cut_to[-1]}, same texts."
        ),
        sampled=f"{texts:,} {data.cut_from}, each truncated to {lengths} lengths",
        curve=Curve(
            data.cut_to.astype(np.float64), crowding, "words", "mean cosine of two texts", True
        ),
    )
    return (cut, natural) if natural else (cut,)


def _natural(data: ProbeData) -> Finding | None:
    """The same slope over full texts, in bins of similar length."""
    if len(data.words) < LEAST:
        return None
    octave = np.round(np.log2(np.maximum(data.words, 1)) * 2).astype(np.int64)
    bins = [b for b in np.unique(octave) if (octave == b).sum() >= A_BIN]
    if len(bins) < 2:
        return None
    middles = np.array([np.median(data.words[octave == b]) for b in bins])
    rows = [data.texts[octave == b] for b in bins]
    number = _interval(rows, middles, shared=False)
    crowding = np.array([_crowding(r, np.ones((1, len(r))))[0] for r in rows])
    return Finding(
        name="natural",
        scope="text",
        value=number[0],
        low=number[1],
        high=number[2],
        reference=Reference(0.0, "length does not matter"),
        yardstick=np.nan,  # length and topic are confounded
        sentence=(
            f"The rise of the mean cosine per doubling is {_signed(number)} over full texts, "
            "against 0 if length did not matter. Topic and length are confounded here."
        ),
        detail=(
            f"Mean cosine {format_value(crowding[0])} around {middles[0]:.0f} words and "
            f"{format_value(crowding[-1])} around {middles[-1]:.0f}."
        ),
        sampled=f"{sum(map(len, rows)):,} texts in {len(bins)} lengths",
        curve=Curve(middles, crowding, "words", "mean cosine of two texts", True),
    )


def _conclusion(rises: bool, natural: Finding | None) -> str:
    if rises:
        return "The encoder itself crowds longer texts."
    if natural and natural.low > 0:
        return "Long texts crowd here because of their topics, not their length."
    return "The encoder does not crowd longer texts."


def _signed(number: tuple[float, float, float]) -> str:
    text = estimate(*number)
    return text if number[0] < 0 or not float(text.split()[0]) else f"+{text}"


def _crowding(rows: Floats, weights: Doubles) -> Doubles:
    """(r,) mean cosine of two different rows; 0 where a resample holds fewer than two."""
    some = (weights > 0).sum(axis=1) > 1
    result = np.zeros(len(weights))
    if some.any():
        result[some] = unrelated(rows, weights[some])
    return result


def _slope(crowding: Doubles, lengths: Doubles | Ints) -> Doubles:
    """Rise per doubling of the length, by least squares; `crowding` is (lengths, r)."""
    x = np.log2(np.asarray(lengths, np.float64))
    x = x - x.mean()
    rise: Doubles = x @ crowding / max(float(x @ x), 1e-12)
    return rise


def _interval(
    rows: list[Floats], lengths: Doubles | Ints, *, shared: bool
) -> tuple[float, float, float]:
    """Slope and its bootstrap interval; with `shared` every length has the same texts."""
    rng = np.random.default_rng(0)
    plain = np.stack([_crowding(r, np.ones((1, len(r)))) for r in rows])
    value = float(_slope(plain, lengths)[0])
    draws = [
        rng.multinomial(len(r), np.full(len(r), 1 / len(r)), RESAMPLES).astype(np.float64)
        for r in (rows[:1] if shared else rows)
    ] * (len(rows) if shared else 1)
    slopes = _slope(np.stack([_crowding(r, w) for r, w in zip(rows, draws, strict=True)]), lengths)
    low, high = (float(q) for q in np.quantile(slopes, [0.025, 0.975]))
    return value, min(low, value), max(high, value)


def _p_value(cut: Floats, lengths: Ints, shuffles: int) -> float:
    """Two-sided p-value of the slope, from shuffles of each text's lengths."""
    rng = np.random.default_rng(0)
    c, m, _ = cut.shape
    rows, one = cut.transpose(1, 0, 2), np.ones((1, m))
    observed = abs(_slope(np.stack([_crowding(r, one) for r in cut]), lengths)[0])
    beyond = 0
    for _ in range(shuffles):
        order = rng.permuted(np.tile(np.arange(c), (m, 1)), axis=1)
        mixed = np.take_along_axis(rows, order[:, :, None], axis=1)
        sums = mixed.sum(axis=0, dtype=np.float64)
        crowding = (np.einsum("id,id->i", sums, sums) - m) / (m * (m - 1))
        beyond += abs(_slope(crowding[:, None], lengths)[0]) >= observed - 1e-12
    return (1 + beyond) / (1 + shuffles)
