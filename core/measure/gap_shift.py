"""What recall and contrastive loss would be were images and texts moved apart or together.

Every unit row is moved along the line between the two centers and brought back to length 1. The
line, and the best place on it, come from one half of the pairs; both are judged on the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import TooFew
from core.numerics.sampling import groups
from core.types import Doubles, Ints, Space, per_space

MOVES = np.arange(-5, 5.01, 0.25)  # Liang et al. 2022: how far the kinds move towards each other
GROUPS = 20  # of judged pairs, left out in turn for the error of the loss
TINY = 1e-300
TIE = 1e-9  # cosines that differ by less are equal
TEMPERATURES = np.geomspace(0.005, 0.64, 22)
LEAST = 16  # unrelated pairs: eight in each half


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """One half of the pairs, m of them, at all s places.

    `ranks` (s, 2, m) of the own partner asked from the image and from the text, `losses` (s, m) of
    each pair and their mean `without` (s, g) each group of pairs, and the signed distance of the
    centers, `sizes` (s,).
    """

    ranks: Doubles
    losses: Doubles
    without: Doubles
    sizes: Doubles

    def recall(self, k: int) -> Doubles:
        """(s,) share of partners within the first k, mean of both directions."""
        found: Doubles = (self.ranks <= k).mean(axis=(1, 2))
        return found


@dataclass(frozen=True, slots=True)
class Sweep:
    """`moves` (s,) along the unit line between the centers; `today` is the place of move 0.

    `temperature` is that of the losses. `fitted` is the half that the line, the best places and,
    unless it was given, the temperature come from; `judged` is the other.
    """

    moves: Doubles
    today: int
    temperature: float
    fitted: SweepPoint
    judged: SweepPoint

    def best(self, score: Doubles) -> int:
        """The place with the largest score; of equals the nearest to today's."""
        order = np.argsort(np.abs(self.moves), kind="stable")
        return int(order[np.argmax(np.round(score, 9)[order])])


@per_space
def sweep(space: Space, *, pairs: int, temperature: float, what: str) -> Sweep:
    """Move the kinds and judge, on at most so many pairs that have nothing to do with each other.

    Args:
        space: images and texts with pairs.
        pairs: how many to draw; half of them are judged.
        temperature: of the contrastive loss; 0 takes the one with the least loss today.
        what: the name of the measurement, for its sentence.

    Raises:
        TooFew: fewer than 16 such pairs.
    """
    chosen = _unrelated(space, pairs, what)
    fit, judge = chosen[::2], chosen[1::2]
    x, y = space.vectors[fit[:, 0]], space.vectors[fit[:, 1]]
    delta = x.mean(axis=0, dtype=np.float64) - y.mean(axis=0, dtype=np.float64)
    size = float(np.linalg.norm(delta))
    # With one common center there is no line: every place is then today's.
    line = delta / size if size > 1e-6 else np.zeros(space.d)
    moves = np.unique(np.append(MOVES, size)) if size > 1e-6 else np.zeros(1)
    if temperature == 0:
        cosines = x.astype(np.float64) @ y.T
        means = [_losses(cosines, float(t))[0].mean() for t in TEMPERATURES]
        temperature = float(TEMPERATURES[int(np.argmin(means))])
    halves = [_judge(space, part, line, moves, temperature) for part in (fit, judge)]
    return Sweep(moves, int(np.flatnonzero(moves == 0)[0]), temperature, *halves)


def _unrelated(space: Space, most: int, what: str) -> Ints:
    """One random pair of each group that hangs together, in random order."""
    order = np.random.default_rng(0).permutation(len(space.pairs))
    shuffled = space.pairs[order]
    _, first = np.unique(groups(space)[shuffled[:, 0]], return_index=True)
    if len(first) < LEAST:
        raise TooFew(
            what, LEAST, "pairs without an item in common", len(first), "Add captioned images."
        )
    result: Ints = shuffled[np.sort(first)[:most]]
    return result


def _judge(
    space: Space, pairs: Ints, line: Doubles, moves: Doubles, temperature: float
) -> SweepPoint:
    """All places for some pairs.

    Cosines after a move follow from those before it: x - (s/2) u and y + (s/2) u have the product
    x.y + s/2 x.u - s/2 y.u - s^2/4, and lengths that follow from x.u and y.u alone.
    """
    x, y = (space.vectors[pairs[:, side]].astype(np.float64) for side in (0, 1))
    products, a, b = x @ y.T, x @ line, y @ line
    ranks, losses, without, sizes = [], [], [], []
    for s in moves:
        near_x = 1 / np.sqrt(np.maximum(1e-12, 1 - s * a + s * s / 4))
        near_y = 1 / np.sqrt(np.maximum(1e-12, 1 + s * b + s * s / 4))
        cosines = products + (s / 2) * (a[:, None] - b) - s * s / 4
        cosines *= near_x[:, None] * near_y
        ranks.append(_ranks(cosines))
        whole, part = _losses(cosines, temperature)
        losses.append(whole)
        without.append(part)
        away = (s / 2) * (near_x.mean() + near_y.mean()) * line
        delta = (near_x @ x - near_y @ y) / len(pairs) - away
        sizes.append(float(np.copysign(np.linalg.norm(delta), delta @ line)))
    return SweepPoint(np.array(ranks), np.array(losses), np.array(without), np.array(sizes))


def _ranks(cosines: Doubles) -> Doubles:
    """(2, m) rank of the diagonal in its row and in its column; equals share the middle rank."""
    own = np.diag(cosines)
    pairs = ((cosines, own[:, None], 1), (cosines, own, 0))
    return np.array(
        [((c > o + TIE).sum(axis=i) + (c > o - TIE).sum(axis=i) + 1) / 2 for c, o, i in pairs]
    )


def _losses(cosines: Doubles, temperature: float) -> tuple[Doubles, Doubles]:
    """Contrastive loss of each pair in nats, and the mean loss without each group of pairs.

    Mean of both directions. A pair counts by its own loss and as the rival of all others, where
    one hard rival may decide: leaving out tells, a slope would not.
    """
    m = len(cosines)
    powers = np.exp((cosines - 1) / temperature)
    group = np.arange(m) % min(GROUPS, m)
    others = (group[:, None] != np.arange(group.max() + 1)).astype(np.float64)  # (m, groups)
    own = (np.diag(cosines) - 1)[:, None] / temperature
    sums = [np.log(np.maximum(p @ others, TINY)) for p in (powers, powers.T)]
    without = ((sums[0] + sums[1]) / 2 - own) * others
    whole = np.log(powers.sum(axis=1)) + np.log(powers.sum(axis=0))
    losses: Doubles = whole / 2 - own[:, 0]
    return losses, without.sum(axis=0) / others.sum(axis=0)
