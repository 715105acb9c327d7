from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.measure.findings import format_value
from core.measure.probe_data import Augmented, ProbeData, check_pictures, likeness
from core.measure.probes import probe
from core.measure.verdicts import Advice, Threshold
from core.numerics.stats import normal, wilson
from core.types import Curve, Doubles, Finding, Floats, Ints, Reference

LEAST = 40
FOLDS = 5
RESAMPLES = 1000
RIDGES = np.logspace(-4, 4, 17)
GUESS = Reference(0.0, "a guess that knows nothing of the change")
STILL = 1e-8  # mean squared move below which a vector has not moved but for rounding


@probe(
    title="Equivariance",
    family="Encoder",
    source="Garrido, Najman, LeCun. Self-supervised learning of Split Invariant Equivariant "
    "representations. ICML 2023; a linear map in place of their trained predictor, and its "
    "yardstick: ours.",
    aid="Share of the change that a linear map foretells on pictures it has not seen, by the "
    "strength of the change.",
    better="high",
    bounds=(-np.inf, 1.0),
    takes="pictures",
    threshold=Threshold(
        "likeness kept after a change, or else foretold by a linear map",
        good=0.8,
        bad=0.4,
        source="ours, the same as for invariance",
    ),
    advice=Advice(
        why="A change that moves the vector in a way that can be computed can be undone, or asked "
        "for; one that moves it anyhow is lost to search.",
        what="Where a change is not ignored and cannot be foretold: average the vectors of the "
        "changed pictures, or take another encoder; keep it if recall with changed queries rises.",
    ),
)
def equivariance(trial: ProbeData) -> tuple[Finding, ...]:
    """How well the change of a vector follows from the change of its picture.

    For each strength of a change a linear map from the vector of a picture to that of the changed
    picture is fitted on four fifths of the pictures (ridge, its penalty chosen on those) and judged
    on the others, in turn. E = 1 - squared error / squared error of a guess that knows nothing of
    the change: the vector as it was, drawn towards the mean of all pictures as far as is best. 1
    when the change can be computed without the picture; 0 when the map is no better than that
    guess, below 0 when it is worse. An encoder that ignores a change has nothing to foretell: read
    it beside invariance.

    Args:
        trial: at least 40 pictures; with fewer than dimensions the map finds less than there is.

    Returns:
        A finding for each change, named "equivariance: rotation" and so on, of scope image, at the
        usual strength, with the bootstrap interval over pictures. The sentence adds what one shift
        for all pictures foretells, how often the map picks the right one among a picture's views
        (H@1, MRR), and how well the strength can be read off the move (R2).
        per_item: E of each picture, at least -1.
        curve: E against the strength.

    Raises:
        TooFew: fewer than 40 pictures.
        InputError: the encoder gives all pictures the same vector.

    >>> rows = np.random.default_rng(0).standard_normal((60, 3))  # the change turns the space
    >>> rows = (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32)
    >>> turned = Augmented(rows[:, None, [1, 2, 0]], ("a third",), 0)
    >>> round(equivariance(ProbeData(rows, {"turn": turned}))[0].value, 3)
    1.0
    """
    check_pictures(trial, "Equivariance", LEAST)
    return tuple(_finding(name, trial.pictures, c) for name, c in trial.changed.items())


@dataclass(frozen=True)
class _ViewErrors:
    """(n, v) squared errors on held-out pictures, ranks of the true view, and read strengths."""

    guess: Doubles
    shift: Doubles
    map: Doubles
    rank: Doubles
    strength: Doubles


def _finding(name: str, originals: Floats, change: Augmented) -> Finding:
    at, n = change.usual, len(originals)
    same = np.einsum("id,id->i", originals, change.rows[:, at], dtype=np.float64)
    kept = float(likeness(originals, same, np.ones((1, n)))[0])
    told = _judged(originals.astype(np.float64), change.rows.astype(np.float64))
    if told.guess[:, at].mean() < STILL:
        return _still(name, change, n)
    value = float(_foretold(told.map, told.guess)[at])
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = 1 - (weights @ told.map[:, at]) / (weights @ told.guess[:, at])
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    low, high = min(low, value), max(high, value)
    own = 1 - told.map[:, at] / np.maximum(told.guess[:, at], STILL)
    steps = _foretold(told.map, told.guess)
    return Finding(
        name=name,
        scope="image",
        value=value,
        low=low,
        high=high,
        reference=GUESS,
        yardstick=1 - (1 - kept) * (1 - max(value, 0.0)),
        sentence=_sentence(name, change, told, (value, low, high)),
        sampled=f"{n:,} pictures, each judged by maps fitted on the others",
        per_item=np.maximum(own, -1).astype(np.float32),
        per_item_title=f"share of the move after {name} that is foretold",
        curve=Curve(
            np.arange(1.0, len(steps) + 1), steps, "strength of the change", "share foretold"
        ),
    )


def _still(name: str, change: Augmented, n: int) -> Finding:
    sentence = (
        f"After {name} ({change.strengths[change.usual]}) the vectors of all {n:,} pictures stay "
        "where they were: there is no change to foretell."
    )
    return Finding("image", 0.0, 0.0, 0.0, GUESS, sentence, f"{n:,} images", name, yardstick=1.0)


def _sentence(
    name: str, change: Augmented, told: _ViewErrors, number: tuple[float, float, float]
) -> str:
    n, v = told.rank.shape
    shift = float(_foretold(told.shift, told.guess)[change.usual])
    first = float((told.rank == 1).mean())
    ends = wilson(first * n, n)  # a picture's views are one draw
    mrr = (1 / told.rank).mean(axis=1)
    near = normal(float(mrr.mean()), float(mrr.std(ddof=1) / np.sqrt(n)), 0.0, 1.0)
    chance = float((1 / np.arange(1, v + 1)).mean())
    steps = np.arange(1.0, v + 1)
    read = 1 - ((told.strength - steps) ** 2).mean() / max(float(steps.var()), STILL)
    strength = f" The strength can be read off the move with an R2 of {read:.2f}." if v > 1 else ""
    return (
        f"After {name} ({change.strengths[change.usual]}) a linear map foretells "
        f"{format_value(*number)} "
        f"of the change of pictures it has not seen; one shift for all pictures {shift:.2g}. Among "
        f"the {v} strengths it picks the right one for {first:.0%} ({ends[0]:.0%} to "
        f"{ends[1]:.0%}; chance {1 / v:.0%}), MRR {mrr.mean():.2f} ({near[0]:.2f} to "
        f"{near[1]:.2f}; chance {chance:.2f}).{strength}"
    )


def _judged(f: Doubles, g: Doubles) -> _ViewErrors:
    """Every picture judged once, by maps that have not seen it."""
    n, v, _ = g.shape
    fold = np.random.default_rng(0).permutation(n) % FOLDS
    found = _ViewErrors(*(np.zeros((n, v)) for _ in range(5)))
    for part in range(FOLDS):
        train, test = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        foretold = np.empty((len(test), v, f.shape[1]))
        for s in range(v):
            guess, shift, mapped = _predict(f, g[:, s], train, test)
            foretold[:, s] = mapped
            for errors, rows in ((found.guess, guess), (found.shift, shift), (found.map, mapped)):
                errors[test, s] = ((rows - g[test, s]) ** 2).sum(axis=1)
        found.rank[test] = _view_ranks(g[test], foretold)
        found.strength[test] = _read_strength(g - f[:, None], train, test)
    return found


def _predict(f: Doubles, g: Doubles, train: Ints, test: Ints) -> tuple[Doubles, Doubles, Doubles]:
    """The changed rows of `test` by the guess, by one shift for all, and by a linear map."""
    from sklearn.linear_model import RidgeCV

    mean = f[train].mean(axis=0)
    x = f - mean
    drawn = (x[train] * (g[train] - mean)).sum() / max((x[train] ** 2).sum(), STILL)
    guess = mean + drawn * x
    missing = g[train] - guess[train]
    fitted = RidgeCV(RIDGES).fit(x[train], missing)
    mapped = guess[test] + fitted.predict(x[test]).reshape(len(test), -1)
    return guess[test], guess[test] + missing.mean(axis=0), mapped


def _view_ranks(g: Doubles, foretold: Doubles) -> Doubles:
    """(n, v) rank of the true one of a picture's views by cosine with the foretold; ties halve.

    A map that leaves every picture where it was picks the weakest change each time: chance.
    """
    cosines = np.einsum("isd,ivd->isv", foretold, g).round(9)
    steps = np.arange(g.shape[1])
    own = cosines[:, steps, steps][:, :, None]
    ranks: Doubles = (cosines > own).sum(axis=2) + ((cosines == own).sum(axis=2) + 1) / 2
    return ranks


def _read_strength(moves: Doubles, train: Ints, test: Ints) -> Doubles:
    """(n, v) strength, 1 to v, read off the moves of unseen pictures by ridge regression."""
    from sklearn.linear_model import RidgeCV

    _, v, d = moves.shape
    steps = np.tile(np.arange(1.0, v + 1), len(train))
    fitted = RidgeCV(RIDGES).fit(moves[train].reshape(-1, d), steps)
    read: Doubles = fitted.predict(moves[test].reshape(-1, d)).reshape(len(test), v)
    return read


def _foretold(errors: Doubles, guess: Doubles) -> Doubles:
    """(v,) share of the guess's squared error that is gone."""
    gone: Doubles = 1 - errors.sum(axis=0) / np.maximum(guess.sum(axis=0), STILL)
    return gone
