from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, percent, share
from core.measure.verdicts import CENTER_KINDS, Advice, Threshold
from core.numerics.sampling import groups, items_error, sampled_rows, split_groups
from core.numerics.spectra import SAME, Moments, moments, projections
from core.numerics.stats import auc, normal
from core.types import KINDS, Bools, Doubles, Finding, Ints, Reference, Space

ROWS = 20_000  # of each kind, for the AUC
LEAST_IMAGES = 50  # for an interval


@diagnostic(
    title="Variance along the gap",
    concern="The modality gap dominates the variance",
    family="Modality gap",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap. NeurIPS 2022 (the gap); shares of "
    "variance and the order along it are common practice; DeLong et al. Biometrics 1988.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation", "order"),
    over="images like these, with their captions",
    percent=True,
    threshold=Threshold(
        "share of the joint variance along the gap above chance", good=0.1, bad=0.4, source="ours"
    ),
    cause="gap",
    advice=Advice(
        why="Variance along the gap carries no meaning, but PCA, k-means and index cells follow "
        "it first.",
        what=CENTER_KINDS,
    ),
)
def gap_variance(space: Space) -> tuple[Finding, ...]:
    """Share of the total variance that lies along the modality gap.

    The variance along the line between the two centers over the joint variance: near the reference
    when the kinds do not differ, 1 when only the kind varies. The detail gives the angle between
    the centers seen from the origin, and the AUC with which the position along the line separates
    the kinds (0.5 chance, 1 always): the line is fitted on one half of the items and tested on the
    other, both ways.

    Args:
        space: at least four images and four texts.

    Returns:
        One finding (scope joint). The interval is over images with their captions; none below 50.

    Raises:
        TooFew: fewer than four images or four texts.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    >>> round(gap_variance(Space(rows, tuple("abcdefgh"), 4))[0].value, 6)  # all of it
    1.0
    """
    both_kinds(space, 4, "The variance along the gap")
    image, text = moments(space, "image"), moments(space, "text")
    joint = image.merged(text)
    delta = image.mean - text.mean
    size, total = float(np.linalg.norm(delta)), float(np.trace(joint.covariance))
    some = size > 1e-6 and total > SAME
    value, error = 0.0, 0.0
    if some:
        unit = delta / size
        value = float(np.clip(unit @ joint.covariance @ unit / total, 0, 1))
        few = space.n_images < LEAST_IMAGES
        error = np.nan if few else _error(space, joint, (image, text), unit, value)
    low, high = normal(value, error, 0.0, 1.0)
    within = (image.n * image.covariance + text.n * text.covariance) / joint.n
    chance = float((within**2).sum() / np.trace(within) ** 2) if np.trace(within) > SAME else 0.0
    return (
        Finding(
            scope="joint",
            value=value,
            low=low,
            high=high,
            reference=Reference(chance, "both kinds from one cloud"),
            yardstick=value - chance,
            sentence=_sentence((value, low, high), chance)
            if some
            else "The variance along the gap is 0%: images and texts share one center.",
            detail=_detail(space, image, text) if some else "",
            sampled=f"exact, all {image.n:,} images and {text.n:,} texts",
        ),
    )


def _error(
    space: Space, joint: Moments, kinds: tuple[Moments, Moments], unit: Doubles, value: float
) -> float:
    """Standard error of the share, with the error of the line between the centers."""
    total = float(np.trace(joint.covariance))
    size = float((kinds[0].mean - kinds[1].mean) @ unit)
    # A turn dv of the line changes the share by 2 dv.C v / total; a row adds to dv what it adds to
    # the difference of the centers, across the line.
    across = joint.covariance @ unit
    turn = 2 * (across - (unit @ across) * unit) / total / size

    def influence(rows: Ints, weight: float, sign: float) -> Doubles:
        x = space.vectors[rows]
        along = projections(x, unit) - joint.mean @ unit
        lengths = 1 - 2 * projections(x, joint.mean) + joint.mean @ joint.mean
        moved: Doubles = weight * (along**2 - value * lengths) / total
        return moved + sign * projections(x, turn)

    image, text = (kind.n / joint.n for kind in kinds)
    return items_error(
        space,
        {
            "image": lambda rows: influence(rows, image, 1.0),
            "text": lambda rows: influence(rows, text, -1.0),
        },
    )


def _auc(space: Space) -> tuple[float, float, float]:
    """AUC of the position along the gap, and its 95% interval (DeLong).

    The line is fitted on one half of the connected groups and the other half is projected on it;
    the same with the halves swapped; the mean of both.
    """
    rows = np.concatenate([sampled_rows(space, kind, ROWS, 0) for kind in KINDS])
    is_image = rows < space.n_images
    linked = groups(space)[rows]
    half = _halves(linked, is_image)
    estimates = []
    for fit in (half, ~half):
        means = [
            space.vectors[rows[fit & kind]].mean(axis=0, dtype=np.float64)
            for kind in (is_image, ~is_image)
        ]
        places = projections(space.vectors[rows], means[0] - means[1])
        one, other = ~fit & is_image, ~fit & ~is_image
        value, error = auc(places[one], places[other], (linked[one], linked[other]))
        estimates.append((value, error**2))
    value, variance = np.mean(estimates, axis=0)
    return float(value), *normal(float(value), float(np.sqrt(variance / 2)), 0.0, 1.0)


def _halves(linked: Ints, is_image: Bools) -> Bools:
    """Every other connected group; every other row where one of the halves lacks a kind."""
    half = split_groups(linked, is_image, 2)
    if all(np.any(part & kind) for part in (half, ~half) for kind in (is_image, ~is_image)):
        return half
    return np.arange(len(linked)) % 2 == 0


def _sentence(number: tuple[float, float, float], chance: float) -> str:
    return (
        f"The variance along the gap is {percent(*number)} of the total, "
        f"against {share(chance)} if both kinds came from one distribution. It carries no meaning, "
        "yet PCA and index cells follow it."
    )


def _detail(space: Space, image: Moments, text: Moments) -> str:
    lengths = float(np.linalg.norm(image.mean) * np.linalg.norm(text.mean))
    angle = ""
    if lengths > 1e-6:
        cosine = float(np.clip(image.mean @ text.mean / lengths, -1, 1))
        angle = f"The centers are {np.degrees(np.arccos(cosine)):.0f}° apart. "
    return (
        f"{angle}On held-out items the position along the gap separates images from texts with an "
        f"AUC of {percent(*_auc(space))}; chance is 50%."
    )
