"""Recall and contrastive loss after shifting images and texts along the modality gap.

Every unit row is shifted along the line between the two centers and normalized. The line and the
best shift are chosen on one half of the pairs and tested on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.errors import TooFew
from core.numerics.sampling import groups
from core.types import Curve, Doubles, Ints, Space, per_space

MOVES = np.arange(-5, 5.01, 0.25)  # Liang et al. 2022: shifts of the two kinds towards each other
GROUPS = 20  # of test pairs, for the jackknife of the loss
TIE = 1e-9  # cosines that differ by less are equal
TEMPERATURES = np.geomspace(0.005, 0.64, 22)
LEAST = 16  # unconnected pairs: eight in each half
LEAST_TESTED = 50  # pairs in the half that tests, for an interval


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One half of the pairs, m of them, at all s shifts.

    `ranks` (s, 2, m) of the partner with the image and with the text as query, `losses` (s, m) of
    each pair, their mean with each group of pairs left out, `jackknife` (s, g), and the signed
    distance of the centers, `sizes` (s,).
    """

    ranks: Doubles
    losses: Doubles
    jackknife: Doubles
    sizes: Doubles

    def recall(self, k: int) -> Doubles:
        """(s,) recall@k, mean of both directions."""
        shares: Doubles = (self.ranks <= k).mean(axis=(1, 2))
        return shares


@dataclass(frozen=True, slots=True)
class Sweep:
    """Shifts `moves` (s,) along the unit line between the centers; `today` is the index of 0.

    `temperature` is that of the losses. `fitted` is the half on which the line, the best shifts
    and, unless it was given, the temperature are fitted; `judged` is the other.
    """

    moves: Doubles
    today: int
    temperature: float
    fitted: SweepPoint
    judged: SweepPoint

    @property
    def related(self) -> bool:
        """Whether partners rank significantly better than by chance, without a shift."""
        m = self.judged.losses.shape[1]
        chance, error = (m + 1) / 2, m / np.sqrt(12 * m)
        return bool(self.judged.ranks[self.today].mean() < chance - 3 * error)

    def best(self, score: Doubles) -> int:
        """The index of the shift with the largest score; of equals the smallest shift."""
        order = np.argsort(np.abs(self.moves), kind="stable")
        return int(order[np.argmax(np.round(score, 9)[order])])

    def curve(self, y: Doubles, title: str) -> Curve | None:
        """A score on the test pairs against the distance of the centers; None without a gap."""
        if len(self.moves) < 2:
            return None
        sizes = self.judged.sizes
        order = np.argsort(sizes, kind="stable")
        x_title = "distance of the centers (below 0: crossed)"
        return Curve(sizes[order], y[order], x_title, title, mark=float(sizes[self.today]))


@per_space
def sweep(space: Space, *, pairs: int, temperature: float, what: str) -> Sweep:
    """Shift the kinds and measure, on pairs that have no item in common.

    Args:
        space: images and texts with pairs.
        pairs: how many to draw; half of them are for testing.
        temperature: of the contrastive loss; 0 fits it to the pairs without a shift.
        what: the name of the measurement, for errors.

    Raises:
        TooFew: fewer than 16 such pairs.
    """
    chosen = _unrelated(space, pairs, what)
    fit, judge = chosen[::2], chosen[1::2]
    x, y = space.vectors[fit[:, 0]], space.vectors[fit[:, 1]]
    delta = x.mean(axis=0, dtype=np.float64) - y.mean(axis=0, dtype=np.float64)
    size = float(np.linalg.norm(delta))
    # With a common center there is no line, and no shift.
    line = delta / size if size > 1e-6 else np.zeros(space.d)
    moves = np.unique(np.append(MOVES, size)) if size > 1e-6 else np.zeros(1)
    temperature = temperature or _fitted_temperature(x.astype(np.float64) @ y.T)
    halves = [_judge(space, part, line, moves, temperature) for part in (fit, judge)]
    return Sweep(moves, int(np.flatnonzero(moves == 0)[0]), temperature, *halves)


def _unrelated(space: Space, most: int, what: str) -> Ints:
    """One random pair of each connected group, in random order."""
    order = np.random.default_rng(0).permutation(len(space.pairs))
    shuffled = space.pairs[order]
    _, first = np.unique(groups(space)[shuffled[:, 0]], return_index=True)
    if len(first) < LEAST:
        raise TooFew(
            what, LEAST, "pairs without an item in common", len(first), "Add captioned images."
        )
    result: Ints = shuffled[np.sort(first)[:most]]
    return result


def _fitted_temperature(cosines: Doubles) -> float:
    """The temperature with the lowest contrastive loss, with targets smoothed by one pair.

    Where every partner ranks first the loss alone falls with the temperature, however small: one
    pair more or less would decide it (so Platt 1999 smooths the targets of a logistic regression).
    """
    m = len(cosines)
    target = (1 - 1 / m) * np.diag(cosines).mean() + cosines.mean() / m
    whole = np.array([0, m])
    losses = [
        np.mean([_log_sums(side, whole, t).mean() for side in (cosines, cosines.T)]) - target / t
        for t in TEMPERATURES.tolist()
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def _judge(
    space: Space, pairs: Ints, line: Doubles, moves: Doubles, temperature: float
) -> SweepPoint:
    """All shifts for some pairs.

    Cosines after a shift follow from those before it: x - (s/2) u and y + (s/2) u have the product
    x.y + s/2 x.u - s/2 y.u - s^2/4, and norms that follow from x.u and y.u alone.
    """
    x, y = (space.vectors[pairs[:, side]].astype(np.float64) for side in (0, 1))
    products, a, b = x @ y.T, x @ line, y @ line
    ranks, losses, jackknife, sizes = [], [], [], []
    for s in moves:
        near_x = 1 / np.sqrt(np.maximum(1e-12, 1 - s * a + s * s / 4))
        near_y = 1 / np.sqrt(np.maximum(1e-12, 1 + s * b + s * s / 4))
        cosines = products + (s / 2) * (a[:, None] - b) - s * s / 4
        cosines *= near_x[:, None] * near_y
        ranks.append(_ranks(cosines))
        whole, part = _losses(cosines, temperature)
        losses.append(whole)
        jackknife.append(part)
        away = (s / 2) * (near_x.mean() + near_y.mean()) * line
        delta = (near_x @ x - near_y @ y) / len(pairs) - away
        sizes.append(float(np.copysign(np.linalg.norm(delta), delta @ line)))
    return SweepPoint(np.array(ranks), np.array(losses), np.array(jackknife), np.array(sizes))


def _ranks(cosines: Doubles) -> Doubles:
    """(2, m) rank of the diagonal in its row and in its column; ties share the mean rank."""
    own = np.diag(cosines)
    pairs = ((cosines, own[:, None], 1), (cosines, own, 0))
    return np.array(
        [((c > o + TIE).sum(axis=i) + (c > o - TIE).sum(axis=i) + 1) / 2 for c, o, i in pairs]
    )


def _losses(cosines: Doubles, temperature: float) -> tuple[Doubles, Doubles]:
    """Contrastive loss of each pair in nats, and the mean loss with each group left out.

    Mean of both directions. A pair counts by its own loss and as a negative of all others, where
    one hard negative may dominate: a jackknife measures that, a linear influence would not.
    """
    m = len(cosines)
    starts = np.linspace(0, m, min(GROUPS, m) + 1).astype(np.int64)
    sums = np.stack([_log_sums(side, starts, temperature) for side in (cosines, cosines.T)])
    before = np.logaddexp.accumulate(sums, axis=2)  # of the groups up to each, then from each on
    after = np.logaddexp.accumulate(sums[:, :, ::-1], axis=2)[:, :, ::-1]
    none = np.full((2, m, 1), -np.inf)
    left_out = np.logaddexp(
        np.concatenate([none, before[:, :, :-1]], axis=2),
        np.concatenate([after[:, :, 1:], none], axis=2),
    )
    own = np.diag(cosines) / temperature
    losses: Doubles = before[:, :, -1].mean(axis=0) - own
    left = left_out.mean(axis=0) - own[:, None]
    others = np.repeat(~np.eye(len(starts) - 1, dtype=bool), np.diff(starts), axis=0)
    return losses, left.mean(axis=0, where=others)


def _log_sums(cosines: Doubles, starts: Ints, temperature: float) -> Doubles:
    """(m, groups) log of the sum of exp(cosine / temperature) over the pairs of each group.

    The largest is taken out of each sum: powers alone underflow at a small temperature.
    """
    result = np.empty((len(cosines), len(starts) - 1))
    for group, (start, stop) in enumerate(pairwise(starts)):
        part = cosines[:, start:stop]
        largest = part.max(axis=1)
        sums = np.exp((part - largest[:, None]) / temperature).sum(axis=1)
        result[:, group] = np.log(sums) + largest / temperature
    return result
