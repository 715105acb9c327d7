from __future__ import annotations

import numpy as np

from core.measure.findings import format_value
from core.measure.probe_data import Augmented, ProbeData, check_pictures, likeness, unrelated
from core.measure.probes import probe
from core.measure.verdicts import Advice, Threshold
from core.numerics.neighbors import ranks
from core.numerics.stats import wilson
from core.types import Curve, Finding, Floats, Ints, Reference

LEAST = 10
RESAMPLES = 1000


@probe(
    title="Invariance",
    family="Encoder",
    source="Garrido, Najman, LeCun. Self-supervised learning of Split Invariant Equivariant "
    "representations. ICML 2023; scaled by unrelated pictures: ours.",
    aid="Likeness that a picture keeps to itself, against the strength of the change: 0 is the "
    "picture as it is, 4 the strongest change tried.",
    better="high",
    bounds=(-np.inf, 1.0),
    takes="pictures",
    threshold=Threshold(
        "cosine with the changed picture, 0 for unrelated pictures and 1 for no change",
        good=0.8,
        bad=0.4,
        source="ours",
    ),
    advice=Advice(
        why="An item should be found although its picture was cropped, turned or compressed; if "
        "its vector moves, it will not be.",
        what="Average the vectors of the changed pictures, or take another encoder; keep it if "
        "recall with changed queries rises and plain recall does not fall.",
    ),
)
def invariance(trial: ProbeData) -> tuple[Finding, ...]:
    """How near a picture stays to itself when it is turned, cut, blurred or recoded.

    I = (c - c0) / (1 - c0), with c the mean cosine of a picture and its changed self and c0 that of
    two different pictures. 1 when the change is ignored, 0 when the picture becomes any other.
    Whether that is wanted depends on the search: who looks for a red car needs its colour.

    Args:
        trial: at least 10 pictures, a random sample of the collection; 200 say enough.

    Returns:
        A finding for each change, named "invariance: rotation" and so on, of scope image, at the
        change's usual strength, with the bootstrap interval over pictures; the sentence adds how
        often the changed picture finds itself first.
        per_item: cosine of each picture with its changed self.
        curve: I against the strength of the change.

    Raises:
        TooFew: fewer than 10 pictures.
        InputError: the encoder gives all pictures the same vector.

    >>> rows = np.eye(10, dtype=np.float32)  # ten unlike pictures; each keeps a cosine of 0.6
    >>> near = 0.6 * rows + 0.8 * np.roll(rows, 1, axis=0)
    >>> found = invariance(ProbeData(rows, {"tilt": Augmented(near[:, None], ("a bit",), 0)}))
    >>> round(found[0].value, 6)
    0.6
    """
    check_pictures(trial, "Invariance", LEAST)
    return tuple(_finding(name, trial.pictures, c) for name, c in trial.changed.items())


def _finding(name: str, originals: Floats, change: Augmented) -> Finding:
    n = len(originals)
    cosines = np.einsum("id,ivd->iv", originals, change.rows, dtype=np.float64)
    one = np.ones((1, n))
    unlike = float(unrelated(originals, one)[0])
    steps = [float(likeness(originals, same, one)[0]) for same in cosines.T]
    value, same = steps[change.usual], cosines[:, change.usual]
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    drawn = likeness(originals, same, weights.astype(np.float64))
    low, high = (float(q) for q in np.quantile(drawn, [0.025, 0.975]))
    found = int((_own_rank(originals, change.rows[:, change.usual]) == 1).sum())
    ends = wilson(found, n)
    low, high = min(low, value), max(high, value)
    return Finding(
        name=name,
        scope="image",
        value=value,
        low=low,
        high=high,
        reference=Reference(0.0, "two different pictures"),
        sentence=(
            f"After {name} ({change.strengths[change.usual]}) a picture keeps "
            f"{format_value(value, low, high)} of its likeness to itself: cosine "
            f"{same.mean():.3f}, where "
            f"two different pictures have {unlike:.3f}. The changed picture finds itself first for "
            f"{found / n:.0%} ({ends[0]:.0%} to {ends[1]:.0%}) of {n:,}."
        ),
        sampled=f"{n:,} pictures, each among all of them",
        per_item=same.astype(np.float32),
        per_item_title=f"cosine with itself after {name}",
        curve=Curve(
            np.arange(len(steps) + 1.0),
            np.array([1.0, *steps]),
            "strength of the change",
            "likeness kept",
        ),
    )


def _own_rank(originals: Floats, changed: Floats) -> Ints:
    """(n,) rank of each image for its augmented view among all different images."""
    _, first, code = np.unique(originals, axis=0, return_index=True, return_inverse=True)
    rows = np.sort(first)
    own = np.searchsorted(rows, first)[code]
    return ranks(changed, originals[rows], np.stack([np.arange(len(own)), own], axis=1))
