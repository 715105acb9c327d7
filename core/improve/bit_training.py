"""Axes on which the codes of rows rank as the rows do, trained on the vectors alone (BEBR).

A batch is some rows of each kind. For each of them, the cosines of its code with those of all
others of a kind, as a softmax, are drawn towards the cosines of the vectors: no pairs of views or
captions are needed. Codes are steps, so that their slope is taken to be that of the coordinate
itself where this is not far out (straight-through).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.improve.fitting import report_progress
from core.improve.quantizers import SHORT, Recurrent
from core.types import Floats, Ints, Kind

STEPS, BATCH = 1500, 256  # of training; rows of each kind in one
RATE = 0.02  # of the first step, in root mean squares of the axes at the start; it falls to 0
BETAS, TINY = (0.9, 0.999), 1e-8  # of Adam
SHARPNESS = 3.0  # logits that a standard deviation of cosines is worth
FAR = 1.5  # root mean squares of a row's coordinates beyond which a code has no slope


def trained_axes(
    rows: Mapping[Kind, Floats],
    means: Mapping[Kind, Floats],
    turn: Floats,
    bits: int,
    steps: int = STEPS,
) -> dict[Kind, Floats]:
    """Axes (d, e) for the rows of each kind, less their mean: from one rotation (d, e) on, by Adam.

    Reports (steps done, all steps), see `core.improve.fitting`.

    Args:
        rows: (n, d) unit rows of each kind that there is.
        means: of each.
        turn: where the axes start.
        bits: of a coordinate, see `Recurrent`.
        steps: of training.
    """
    rng = np.random.default_rng(0)
    axes = {kind: turn.copy() for kind in rows}
    moments = {kind: (np.zeros_like(turn), np.zeros_like(turn)) for kind in rows}
    for step in range(steps):
        report_progress(step, steps)
        drawn = {
            kind: every[rng.choice(len(every), min(BATCH, len(every)), replace=False)]
            for kind, every in rows.items()
        }
        rate = RATE / len(turn) ** 0.5 * (1 + np.cos(np.pi * step / steps)) / 2
        for kind, slope in _slopes(drawn, means, axes, bits).items():
            first, second = moments[kind]
            first += (1 - BETAS[0]) * (slope - first)
            second += (1 - BETAS[1]) * (slope**2 - second)
            unbiased = first / (1 - BETAS[0] ** (step + 1))
            size = np.sqrt(second / (1 - BETAS[1] ** (step + 1))) + TINY
            axes[kind] -= np.float32(rate) * unbiased / size
    report_progress(steps, steps)
    return axes


def _slopes(
    rows: Mapping[Kind, Floats],
    means: Mapping[Kind, Floats],
    axes: Mapping[Kind, Floats],
    bits: int,
) -> dict[Kind, Floats]:
    """The slopes of the loss of a batch at the axes of each kind."""
    levels = Recurrent(bits, next(iter(axes.values())).shape[1], scaled=False)
    centered = {kind: x - means[kind] for kind, x in rows.items()}
    codes, near, lengths = dict[Kind, Floats](), dict[Kind, Floats](), dict[Kind, Floats]()
    for kind, x in centered.items():
        values = np.asarray(x @ axes[kind], np.float32)
        spread = np.sqrt(np.square(values).mean(axis=1, keepdims=True))
        near[kind] = (np.abs(values) <= FAR * spread).astype(np.float32)
        code = levels.decode(levels.encode(values))
        lengths[kind] = np.linalg.norm(code, axis=1, keepdims=True)
        codes[kind] = code / lengths[kind]
    at_codes = {kind: np.zeros_like(code) for kind, code in codes.items()}
    for kind, x in rows.items():
        for other, y in rows.items():
            own = np.arange(len(x)) if kind == other else np.empty(0, np.int64)
            slope = softmax_loss(x @ y.T, codes[kind] @ codes[other].T, own)[1]
            at_codes[kind] += slope @ codes[other]
            at_codes[other] += slope.T @ codes[kind]
    slopes = {}
    for kind, at in at_codes.items():
        along = np.einsum("ij,ij->i", at, codes[kind])[:, None] * codes[kind]
        slopes[kind] = centered[kind].T @ (near[kind] * (at - along) / lengths[kind])
    return slopes


def softmax_loss(cosines: Floats, scores: Floats, own: Ints) -> tuple[float, Floats]:
    """Cross entropy of scores (q, n) with the softmax of cosines, and its slope at the scores.

    Both in their standard deviations, that of the scores as a constant. A row does not compete with
    itself: that of each of the first `own`.
    """
    rate = np.float32(SHARPNESS / max(float(scores.std(axis=1).mean()), SHORT))
    wanted = cosines * (SHARPNESS / np.maximum(cosines.std(axis=1, keepdims=True), SHORT))
    given = scores * rate
    wanted[own, own] = given[own, own] = -np.inf
    wanted, given = _log_shares(wanted), _log_shares(given)
    target, shares = np.exp(wanted), np.exp(given)
    given[own, own] = 0
    loss = -float((target * given).sum()) / len(scores)
    return loss, np.asarray((shares - target) * rate / len(scores), scores.dtype)


def _log_shares(logits: Floats) -> Floats:
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
