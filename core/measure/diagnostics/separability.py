from __future__ import annotations

from typing import Annotated

import numpy as np

from core.errors import TooFew
from core.measure.diagnostics import diagnostic
from core.measure.findings import both_kinds, estimate, share
from core.measure.verdicts import CENTER_KINDS, Advice, Threshold
from core.numerics.sampling import groups, sampled_rows, split_groups
from core.numerics.stats import auc, wilson
from core.registry import Range
from core.types import Bools, Finding, Ints, Reference, Space

LEAST = 10
FOLD = 5  # one group of pairs in five is held out for the test


@diagnostic(
    title="Separability",
    concern="Images and texts lie apart",
    family="Modality gap",
    source="Logistic regression on modality, common practice after Liang et al. Mind the Gap. "
    "NeurIPS 2022; the split by pair is ours.",
    better="low",
    bounds=(0.0, 1.0),
    invariant=("rotation",),
    over="held-out images like these, with their captions",
    threshold=Threshold("balanced accuracy", good=0.75, bad=0.99, source="ours"),
    cause="gap",
    advice=Advice(
        why="At 1 the modalities never mix: in a shared list texts precede images whatever the "
        "query.",
        what=CENTER_KINDS,
    ),
)
def separability(
    space: Space,
    *,
    sample: Annotated[int, Range(50, 50_000, "images and texts used, at most")] = 4000,
) -> tuple[Finding, ...]:
    """Balanced accuracy of a linear classifier of modality.

    Logistic regression (L2, C = 1), tested on held-out rows; an image and its texts are all in
    training or all in the test. 0.5 when the kinds are mixed, 1 when one hyperplane separates them,
    which is usual for CLIP.

    Args:
        space: at least 10 images and 10 texts.
        sample: of each kind, drawn at random beyond.

    Returns:
        One finding (scope joint) with the Wilson interval over held-out images. The detail gives a
        simpler proxy: the AUC of the position along the gap.

    Raises:
        TooFew: not enough images, texts, or groups of them without a pair in common.

    >>> rows = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    >>> separability(Space(rows, tuple(map(str, range(40))), 20))[0].value
    1.0
    """
    both_kinds(space, LEAST, "Separability")
    rows = np.concatenate(
        [sampled_rows(space, "image", sample, 0), sampled_rows(space, "text", sample, 1)]
    )
    is_image = rows < space.n_images
    linked = groups(space)[rows]
    test = _held_out(linked, is_image)
    value, proxy = _fit(space, rows, is_image, test)
    seen = min(int(test.sum()), 2 * len(np.unique(linked[test])))
    low, high = wilson(value * seen, seen)
    low, high = min(low, value), max(high, value)
    return (
        Finding(
            scope="joint",
            value=value,
            low=low,
            high=high,
            reference=Reference(0.5, "both kinds from one distribution"),
            sentence=(
                "The balanced accuracy of a linear classifier of modality is "
                f"{estimate(value, low, high)} on held-out items, against 0.5 by chance and about "
                "1 for CLIP. Near 1, mixed results are ordered by modality."
            ),
            detail=f"AUC of the position along the gap alone: {share(proxy)}.",
            sampled=f"{len(rows):,} of {space.n:,} items, {int(test.sum()):,} of them held out",
        ),
    )


def _held_out(linked: Ints, is_image: Bools) -> Bools:
    """Held-out rows: every fifth connected group."""
    test = split_groups(linked, is_image, FOLD)
    for part in (test, ~test):
        if len(np.unique(is_image[part])) < 2:
            raise TooFew(
                "Separability",
                FOLD,
                "groups of unrelated images and texts",
                len(np.unique(linked)),
                "Add more items.",
            )
    return test


def _fit(space: Space, rows: Ints, is_image: Bools, test: Bools) -> tuple[float, float]:
    """Balanced accuracy of the regression, and AUC of the position along the gap, held out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score

    x = space.vectors[rows].astype(np.float64)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=2000)
    model.fit(x[~test], is_image[~test])
    delta = x[~test & is_image].mean(axis=0) - x[~test & ~is_image].mean(axis=0)
    accuracy = balanced_accuracy_score(is_image[test], model.predict(x[test]))
    along = x @ delta
    return float(accuracy), auc(along[test & is_image], along[test & ~is_image])[0]
