from __future__ import annotations

import numpy as np

from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, estimate, format_value, share
from core.measure.verdicts import CENTER_KINDS, Advice, Threshold
from core.numerics.sampling import items_error
from core.numerics.spectra import Moments, moments, projections
from core.numerics.stats import Z
from core.types import Doubles, Finding, Floats, Reference, Space

MIXES = 0.4  # a gap up to which results of both kinds mix


@diagnostic(
    title="Modality gap",
    concern="Images and texts lie apart",
    family="Modality gap",
    source="Liang, Zhang, Kwon, Yeung, Zou. Mind the Gap: Understanding the Modality Gap in "
    "Multi-modal Contrastive Representation Learning. NeurIPS 2022.",
    better="low",
    bounds=(0.0, 2.0),
    invariant=("rotation", "order"),
    aid="Position of each item along the line between the two centers. Two separate peaks are "
    "modalities that do not overlap.",
    over="images like these, with their captions",
    threshold=Threshold(
        "distance of the two centers above chance",
        good=MIXES,
        bad=1.0,
        source="Liang et al. 2022: 0.82 for CLIP on COCO; lines ours",
    ),
    advice=Advice(
        why="In results that mix both kinds, the gap ranks all items of one kind above all of the "
        "other.",
        what=CENTER_KINDS,
    ),
    vital="joint",
    per_item=True,
)
def modality_gap(space: Space) -> tuple[Finding, ...]:
    """Distance between the mean of the images and the mean of the texts.

    0 when the two modalities share a center, 2 when they are opposite points. Search from text to
    images works with a large gap; one list that mixes both kinds does not, because the kind then
    determines the rank.

    Args:
        space: at least two images and two texts.

    Returns:
        One finding (scope joint). The interval is over images with their captions; none below 10.
        per_item: position along the line from the texts' center (-1/2 gap) to the images'.

    Raises:
        TooFew: fewer than two images or two texts.

    >>> rows = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    >>> round(modality_gap(Space(rows, ("a", "b", "c", "d"), 2))[0].value, 6)
    1.414214
    """
    both_kinds(space, 2, "The modality gap")
    image, text = moments(space, "image"), moments(space, "text")
    delta = image.mean - text.mean
    value = float(np.linalg.norm(delta))
    noise = image.covariance / (image.n - 1) + text.covariance / (text.n - 1)
    low, high = _interval(value, _error(space, delta), noise)
    chance = float(np.sqrt(max(0.0, np.trace(noise))))
    above = float(np.sqrt(max(0.0, value**2 - chance**2)))
    return (
        Finding(
            scope="joint",
            value=value,
            low=low,
            high=high,
            reference=Reference(chance, "both kinds from one distribution"),
            yardstick=above,
            sentence=(
                f"The modality gap (distance of the centers) is {estimate(value, low, high)}, "
                f"against {format_value(chance)} for one distribution and 0.82 for CLIP on COCO. "
                + (
                    "In mixed results it ranks one kind above the other."
                    if above > MIXES
                    else "In mixed results images and texts mix."
                )
            ),
            detail=_detail(image, text),
            sampled=f"exact, all {image.n:,} images and {text.n:,} texts",
            per_item=_places(space, image, text) if value > 0 else None,
            per_item_title="position along the gap (images positive)",
        ),
    )


def _error(space: Space, delta: Doubles) -> float:
    """Standard error of the mean difference along itself."""
    unit = delta / max(1e-12, float(np.linalg.norm(delta)))
    return items_error(
        space,
        {
            "image": lambda rows: projections(space.vectors[rows], unit),
            "text": lambda rows: -projections(space.vectors[rows], unit),
        },
    )


def _interval(value: float, error: float, noise: Doubles) -> tuple[float, float]:
    """95% interval of the distance, from that of its square, corrected for the noise."""
    if np.isnan(error):
        return error, error
    half = Z * np.sqrt(4 * value**2 * error**2 + 2 * float((noise**2).sum()))
    low = max(0.0, value**2 - float(np.trace(noise)) - half)
    return float(np.sqrt(low)), min(2.0, float(np.sqrt(value**2 + half)))


def _places(space: Space, image: Moments, text: Moments) -> Floats:
    delta = image.mean - text.mean
    middle = (image.mean + text.mean) / 2
    direction = delta / np.linalg.norm(delta)
    places: Floats = (projections(space.vectors, direction) - middle @ direction).astype(np.float32)
    return places


def _detail(image: Moments, text: Moments) -> str:
    delta = image.mean - text.mean
    value = float(np.linalg.norm(delta))
    lengths = float(np.linalg.norm(image.mean) * np.linalg.norm(text.mean))
    spread = float(np.trace(image.merged(text).covariance))
    if value < 1e-6 or lengths < 1e-6 or spread < 1e-9:
        return ""
    angle = np.degrees(np.arccos(np.clip(float(image.mean @ text.mean) / lengths, -1, 1)))
    unit = delta / value
    along = share(float(unit @ image.merged(text).covariance @ unit) / spread)
    return f"Angle between the centers {angle:.0f}°; {along} of the variance is along the gap."
