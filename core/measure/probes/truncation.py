from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.findings import format_value
from core.measure.probe_data import ProbeData, unrelated
from core.measure.probes import probe
from core.measure.verdicts import Advice, Threshold
from core.registry import Range
from core.types import Curve, Doubles, Finding, Floats, Ints, Reference

LEAST = 16  # texts; as many as length collapse asks for
A_BIN = 8  # texts of a length from which their crowding is told
RESAMPLES = 500
CHANCE = 0.05  # p-value from which a slope counts as chance


@probe(
    title="Truncation",
    family="Encoder",
    source="Zhou et al. Length-Induced Embedding Collapse in PLM-based Models. ACL 2025; the same "
    "texts cut to several lengths, as a control: ours.",
    aid="Mean cosine of two texts against their number of words: the same texts cut short, and "
    "texts as they are. Only a rise of the first is the encoder's doing.",
    better="low",
    bounds=(-2.0, 2.0),
    takes="texts",
    threshold=Threshold(
        "rise of the mean cosine for each doubling of the same texts' length; 0 where chance "
        "would do",
        good=0.02,
        bad=0.08,
        source="ours",
    ),
    advice=Advice(
        why="It tells an encoder that crowds long texts from long texts that are about the same: "
        "only the first can be mended without other texts.",
        what="Cut texts to the length at which they lie widest apart, or encode again with a "
        "temperature below 1; keep it if the recall of the longest texts rises.",
    ),
)
def truncation(
    trial: ProbeData,
    *,
    shuffles: Annotated[int, Range(99, 9999, "shuffled lengths for the p-value")] = 499,
) -> tuple[Finding, ...]:
    """Whether the encoder itself crowds longer texts: the same texts, cut to several lengths.

    Length collapse compares long texts with short ones, which may speak of other things. Here the
    first words of the same texts are encoded again at several lengths, so that what they speak of
    stays. The number is how much the mean cosine of two different texts rises when their length
    doubles. 0 when length does not matter; above 0 the encoder crowds longer texts; below 0 more
    words set them apart, as they should. Where this is not above 0 and the natural texts' is, it is
    their topics that are alike.

    Args:
        trial: at least 16 texts cut to at least two lengths.
        shuffles: the p-value is no smaller than one over so many.

    Returns:
        "truncation: cut", and "truncation: natural" where texts as they are come in two lengths or
        more; scope text, with bootstrap intervals over texts.
        curve: mean cosine of two texts against their words.

    Raises:
        TooFew: fewer texts or lengths.

    >>> turn = np.linspace(0, 1.5, 16)  # the full texts stand closer together than their halves
    >>> halves = np.stack([np.cos(2 * turn), np.sin(2 * turn)], 1)
    >>> full = np.stack([np.cos(turn), np.sin(turn)], 1)
    >>> cut = np.stack([halves, full]).astype(np.float32)
    >>> truncation(ProbeData(cut=cut, cut_to=np.array([8, 16])))[0].value > 0.3
    True
    """
    lengths, texts = trial.cut.shape[:2]
    if texts < LEAST:
        raise TooFew(
            "Truncation", LEAST, "texts long enough to be cut", texts,
            "Add longer captions, or several for a picture.",
        )  # fmt: skip
    if lengths < 2:
        raise TooFew("Truncation", 2, "lengths to cut texts to", lengths, "Add longer captions.")
    p = _p_value(trial.cut, trial.cut_to, shuffles)
    crowding = np.array([_crowding(rows, np.ones((1, texts)))[0] for rows in trial.cut])
    number = _interval(list(trial.cut), trial.cut_to, shared=True)
    natural = _natural(trial)
    rises = number[0] > 0 and p < CHANCE
    cut = Finding(
        name="cut",
        scope="text",
        value=number[0],
        low=number[1],
        high=number[2],
        reference=Reference(0.0, "the same texts with their lengths shuffled"),
        yardstick=number[0] if rises else min(number[0], 0.0),
        sentence=_sentence(number, p, trial, crowding) + _conclusion(rises, natural),
        sampled=f"{texts:,} {trial.cut_from}, each cut to {lengths} lengths",
        curve=Curve(
            trial.cut_to.astype(np.float64), crowding, "words", "mean cosine of two texts", True
        ),
    )
    return (cut, natural) if natural else (cut,)


def _natural(trial: ProbeData) -> Finding | None:
    """The same slope over texts as they are, in bins of about one length each."""
    if len(trial.words) < LEAST:
        return None
    octave = np.round(np.log2(np.maximum(trial.words, 1)) * 2).astype(np.int64)
    bins = [b for b in np.unique(octave) if (octave == b).sum() >= A_BIN]
    if len(bins) < 2:
        return None
    middles = np.array([np.median(trial.words[octave == b]) for b in bins])
    rows = [trial.texts[octave == b] for b in bins]
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
            f"Texts as they are: the mean cosine of two goes from {crowding[0]:.2f} around "
            f"{middles[0]:.0f} words to {crowding[-1]:.2f} around {middles[-1]:.0f}, "
            f"{_signed(number)} for each doubling. Topic and length are mixed here."
        ),
        sampled=f"{sum(map(len, rows)):,} texts in {len(bins)} lengths",
        curve=Curve(middles, crowding, "words", "mean cosine of two texts", True),
    )


def _sentence(
    number: tuple[float, float, float], p: float, trial: ProbeData, crowding: Doubles
) -> str:
    texts, to = trial.cut.shape[1], trial.cut_to
    trend = "" if p < CHANCE else ", no more than chance gives"
    return (
        f"The same {texts:,} {trial.cut_from} cut to {to[0]} and to {to[-1]} words have a mean "
        f"cosine of {crowding[0]:.2f} and {crowding[-1]:.2f}: {_signed(number)} for each "
        f"doubling of the length (p {p:.2g} against shuffled lengths, which give 0){trend}. "
    )


def _conclusion(rises: bool, natural: Finding | None) -> str:
    if rises:
        return "The encoder itself crowds longer texts."
    if natural and natural.low > 0:
        return "That long texts crowd here is due to what they speak of, not to their length."
    return "The encoder does not crowd longer texts."


def _signed(number: tuple[float, float, float]) -> str:
    text = format_value(*number)
    return text if text.startswith("-") or not float(text) else f"+{text}"


def _crowding(rows: Floats, weights: Doubles) -> Doubles:
    """(r,) mean cosine of two different rows; 0 where a resample holds fewer than two."""
    some = (weights > 0).sum(axis=1) > 1
    found = np.zeros(len(weights))
    if some.any():
        found[some] = unrelated(rows, weights[some])
    return found


def _slope(crowding: Doubles, lengths: Doubles | Ints) -> Doubles:
    """Rise for each doubling of the length, by least squares; `crowding` is (lengths, r)."""
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
    """Share of shuffles of each text's own lengths that give as large a slope; two-sided."""
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
