from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.measure.findings import estimate, format_value, percent, share
from core.measure.probe_data import Augmented, ProbeData, check_images, relative_similarity
from core.measure.probes import probe
from core.measure.verdicts import Advice, Threshold
from core.numerics.stats import normal, wilson
from core.types import Curve, Doubles, Finding, Floats, Ints, Reference

LEAST = 40
FOLDS = 5
RESAMPLES = 1000
RIDGES = np.logspace(-4, 4, 17)
BASELINE = Reference(0.0, "the original, shrunk to the mean")
STILL = 1e-8  # mean squared move below which a vector moved by rounding only


@probe(
    title="Equivariance",
    family="Encoder",
    source="Garrido, Najman, LeCun. Self-supervised learning of Split Invariant Equivariant "
    "representations. ICML 2023; a linear map in place of their trained predictor, and its "
    "baseline: ours.",
    aid="Share of the change that a linear map predicts on held-out images, by the strength of "
    "the augmentation.",
    better="high",
    bounds=(-np.inf, 1.0),
    takes="images",
    over="images like these",
    threshold=Threshold(
        "relative similarity after augmentation, or else the share predicted by a linear map",
        good=0.8,
        bad=0.4,
        source="ours, the same as for invariance",
    ),
    advice=Advice(
        why="A change of the vector that can be predicted can be undone or searched for; one that "
        "cannot is lost to search.",
        what="Where an augmentation is neither ignored nor predictable: average the vectors of "
        "augmented images, or use another encoder; keep it if recall with augmented queries "
        "rises.",
    ),
)
def equivariance(data: ProbeData) -> tuple[Finding, ...]:
    """How well a linear map predicts the vector of an augmented image from that of the original.

    For each strength of an augmentation a linear map from the vector of an image to that of the
    augmented image is fitted on four fifths of the images (ridge, its penalty chosen on those) and
    tested on the others, in turn. E = 1 - squared error / squared error of a baseline that knows
    nothing of the augmentation: the original vector, shrunk towards the mean of all images as far
    as is best. 1 when the change can be computed without the image; 0 when the map is no better
    than the baseline, below 0 when it is worse. An encoder that ignores an augmentation leaves
    nothing to predict: read it beside invariance.

    Args:
        data: at least 40 images; with fewer images than dimensions the map underfits.

    Returns:
        A finding for each augmentation, named "equivariance: rotation" and so on, of scope
        image, at the usual strength, with the bootstrap interval over images. The detail gives
        the share that one shift for all images predicts, how often the map picks the right one of
        an image's views (H@1, MRR), and how well the strength follows from the move (R2).
        per_item: E of each image, at least -1.
        curve: E against the strength.

    Raises:
        TooFew: fewer than 40 images.
        InputError: the encoder gives all images the same vector.

    >>> rows = np.random.default_rng(0).standard_normal((60, 3))  # it rotates the space
    >>> rows = (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32)
    >>> turned = Augmented(rows[:, None, [1, 2, 0]], ("a third",), 0)
    >>> round(equivariance(ProbeData(rows, {"turn": turned}))[0].value, 3)
    1.0
    """
    check_images(data, "Equivariance", LEAST)
    return tuple(_finding(name, data.images, c) for name, c in data.changed.items())


@dataclass(frozen=True)
class _ViewErrors:
    """(n, v) squared errors on held-out images, ranks of the true view, predicted strengths."""

    guess: Doubles
    shift: Doubles
    map: Doubles
    rank: Doubles
    strength: Doubles


def _finding(name: str, originals: Floats, change: Augmented) -> Finding:
    at, n = change.usual, len(originals)
    same = np.einsum("id,id->i", originals, change.rows[:, at], dtype=np.float64)
    kept = float(relative_similarity(originals, same, np.ones((1, n)))[0])
    view_errors = _cross_validate(originals.astype(np.float64), change.rows.astype(np.float64))
    if view_errors.guess[:, at].mean() < STILL:
        return _still(name, change, n)
    value = float(_explained(view_errors.map, view_errors.guess)[at])
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = 1 - (weights @ view_errors.map[:, at]) / (weights @ view_errors.guess[:, at])
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    low, high = min(low, value), max(high, value)
    own = 1 - view_errors.map[:, at] / np.maximum(view_errors.guess[:, at], STILL)
    steps = _explained(view_errors.map, view_errors.guess)
    return Finding(
        name=name,
        scope="image",
        value=value,
        low=low,
        high=high,
        reference=BASELINE,
        yardstick=1 - (1 - kept) * (1 - max(value, 0.0)),
        sentence=(
            f"Equivariance to {name} ({change.strengths[at]}) is {estimate(value, low, high)} on "
            "held-out images, against 0 for the original vector. A change that is predicted can be "
            "undone or searched for."
        ),
        detail=_detail(change, view_errors),
        sampled=f"{n:,} images, each tested by maps fitted on the others",
        per_item=np.maximum(own, -1).astype(np.float32),
        per_item_title=f"predicted share of the move after {name}",
        curve=Curve(
            np.arange(1.0, len(steps) + 1), steps, "strength of the augmentation", "share predicted"
        ),
    )


def _still(name: str, change: Augmented, n: int) -> Finding:
    sentence = (
        f"Equivariance to {name} ({change.strengths[change.usual]}) is 0: the vectors of all "
        f"{n:,} images stay the same, so there is no change to predict."
    )
    return Finding("image", 0.0, 0.0, 0.0, BASELINE, sentence, f"{n:,} images", name, yardstick=1.0)


def _detail(change: Augmented, errors: _ViewErrors) -> str:
    n, v = errors.rank.shape
    shift = float(_explained(errors.shift, errors.guess)[change.usual])
    first = float((errors.rank == 1).mean())
    ends = wilson(first * n, n)  # the views of an image are one draw
    mrr = (1 / errors.rank).mean(axis=1)
    near = normal(float(mrr.mean()), float(mrr.std(ddof=1) / np.sqrt(n)), 0.0, 1.0)
    chance = float((1 / np.arange(1, v + 1)).mean())
    steps = np.arange(1.0, v + 1)
    read = 1 - ((errors.strength - steps) ** 2).mean() / max(float(steps.var()), STILL)
    fit = format_value(round(read, 2))
    strength = f" The strength follows from the move with an R2 of {fit}." if v > 1 else ""
    return (
        f"One shift for all images predicts {format_value(shift)}. Among {v} strengths the map "
        f"picks the right one for {percent(first, *ends)}, by chance {share(1 / v)}; MRR "
        f"{estimate(float(mrr.mean()), *near)}, by chance {format_value(chance)}.{strength}"
    )


def _cross_validate(f: Doubles, g: Doubles) -> _ViewErrors:
    """Every image tested once, by maps fitted without it."""
    n, v, _ = g.shape
    fold = np.random.default_rng(0).permutation(n) % FOLDS
    result = _ViewErrors(*(np.zeros((n, v)) for _ in range(5)))
    for part in range(FOLDS):
        train, test = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        predicted = np.empty((len(test), v, f.shape[1]))
        for s in range(v):
            guess, shift, mapped = _predict(f, g[:, s], train, test)
            predicted[:, s] = mapped
            for errors, rows in (
                (result.guess, guess),
                (result.shift, shift),
                (result.map, mapped),
            ):
                errors[test, s] = ((rows - g[test, s]) ** 2).sum(axis=1)
        result.rank[test] = _view_ranks(g[test], predicted)
        result.strength[test] = _read_strength(g - f[:, None], train, test)
    return result


def _predict(f: Doubles, g: Doubles, train: Ints, test: Ints) -> tuple[Doubles, Doubles, Doubles]:
    """The augmented rows of `test` by the baseline, by one shift, and by a linear map."""
    from sklearn.linear_model import RidgeCV

    mean = f[train].mean(axis=0)
    x = f - mean
    drawn = (x[train] * (g[train] - mean)).sum() / max((x[train] ** 2).sum(), STILL)
    guess = mean + drawn * x
    missing = g[train] - guess[train]
    fitted = RidgeCV(RIDGES).fit(x[train], missing)
    mapped = guess[test] + fitted.predict(x[test]).reshape(len(test), -1)
    return guess[test], guess[test] + missing.mean(axis=0), mapped


def _view_ranks(g: Doubles, predicted: Doubles) -> Doubles:
    """(n, v) rank of the true view among an image's views by cosine; ties share ranks.

    A map that moves nothing picks the weakest view each time: chance.
    """
    cosines = np.einsum("isd,ivd->isv", predicted, g).round(9)
    steps = np.arange(g.shape[1])
    own = cosines[:, steps, steps][:, :, None]
    ranks: Doubles = (cosines > own).sum(axis=2) + ((cosines == own).sum(axis=2) + 1) / 2
    return ranks


def _read_strength(moves: Doubles, train: Ints, test: Ints) -> Doubles:
    """(n, v) strength, 1 to v, predicted from the moves of held-out images by ridge."""
    from sklearn.linear_model import RidgeCV

    _, v, d = moves.shape
    steps = np.tile(np.arange(1.0, v + 1), len(train))
    fitted = RidgeCV(RIDGES).fit(moves[train].reshape(-1, d), steps)
    read: Doubles = fitted.predict(moves[test].reshape(-1, d)).reshape(len(test), v)
    return read


def _explained(errors: Doubles, guess: Doubles) -> Doubles:
    """(v,) share of the baseline's squared error that is explained."""
    gone: Doubles = 1 - errors.sum(axis=0) / np.maximum(guess.sum(axis=0), STILL)
    return gone
