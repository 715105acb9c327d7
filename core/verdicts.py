"""When a number is good, worth watching or bad: one table, every row with where it comes from.

A threshold judges a diagnostic's yardstick: the value itself, or the value set against its null
model where only that can be compared between spaces. "ours" marks a line drawn by this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from core.types import Verdict

LIANG = "Liang et al. 2022: 0.82 for CLIP on COCO; lines ours"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Good up to `good`, bad beyond `bad`, watch between; high is better where good > bad."""

    yardstick: str
    good: float
    bad: float
    source: str

    @property
    def words(self) -> str:
        """The rule as a reader needs it."""
        if self.good > self.bad:
            return f"{self.yardstick}: good from {self.good:g}, bad below {self.bad:g}"
        return f"{self.yardstick}: good up to {self.good:g}, bad above {self.bad:g}"


THRESHOLDS: dict[str, Threshold] = {
    "alignment": Threshold(
        "mean pair cosine above that of shuffled pairs, in their standard deviations",
        2.0,
        1.0,
        "ours",
    ),
    "effective_rank": Threshold(
        "RankMe as a share of isotropic data's at the same n and d", 0.4, 0.15, "ours"
    ),
    "hubness": Threshold(
        "skewness of k-occurrence",
        1.0,
        2.0,
        "ours; Radovanovic et al. 2010 call data above 1.4 strongly hubby",
    ),
    "intrinsic_dimension": Threshold("TwoNN dimension", 5.0, 2.0, "ours"),
    "isotropy": Threshold(
        "log of the participation ratio as a share of isotropic data's at the same n and d",
        0.5,
        0.25,
        "ours",
    ),
    "mean_cosine": Threshold("size of the mean cosine", 0.3, 0.7, "ours"),
    "modality_gap": Threshold("distance of the two centroids", 0.4, 1.0, LIANG),
    "near_duplicates": Threshold("share of items with a near-duplicate", 0.02, 0.2, "ours"),
    "separability": Threshold("balanced accuracy", 0.75, 0.99, "ours"),
    "uniformity": Threshold("uniformity as a share of the uniform sphere's", 0.5, 0.2, "ours"),
}


def judge(name: str, yardstick: float) -> Verdict:
    """The verdict on a diagnostic's yardstick.

    >>> judge("hubness", 0.4), judge("hubness", 1.5), judge("isotropy", 0.01)
    ('good', 'watch', 'bad')
    """
    rule = THRESHOLDS.get(name)
    if rule is None or not isfinite(yardstick):
        return "unknown"
    sign = -1.0 if rule.good > rule.bad else 1.0
    if sign * yardstick <= sign * rule.good:
        return "good"
    return "bad" if sign * yardstick > sign * rule.bad else "watch"
