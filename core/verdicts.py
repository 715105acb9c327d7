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
    "alpha_req": Threshold(
        "distance of the exponent from 1",
        0.5,
        1.5,
        "Agrawal et al. 2022 report the best features near 1; lines ours",
    ),
    "alignment": Threshold(
        "mean pair cosine above that of shuffled pairs, in their standard deviations",
        2.0,
        1.0,
        "ours",
    ),
    "class_subspaces": Threshold(
        "AUC of telling the two most confused labels apart", 0.8, 0.6, "ours"
    ),
    "codebook_collapse": Threshold(
        "perplexity as a share of that of a normal cloud", 0.5, 0.25, "ours"
    ),
    "coding_rate": Threshold(
        "coding rate as a share of isotropic data's at the same n and d", 0.4, 0.25, "ours"
    ),
    "cone": Threshold(
        "median angle with the mean, in degrees", 57.0, 33.0, "ours: mean cosines of 0.3 and 0.7"
    ),
    "coverage": Threshold(
        "share of texts farther from any image than 99% of the images are", 0.05, 0.25, "ours"
    ),
    "dimension_activity": Threshold(
        "share of coordinates that are dead, rogue or mixed", 0.02, 0.1, "ours"
    ),
    "effective_rank": Threshold(
        "RankMe as a share of isotropic data's at the same n and d", 0.4, 0.15, "ours"
    ),
    "equiangularity": Threshold(
        "largest cosine of two label centres once their mean is taken out", 0.6, 0.95, "ours"
    ),
    "equivariance": Threshold(
        "likeness kept after a change, or else foretold by a linear map",
        0.8,
        0.4,
        "ours, the same as for invariance",
    ),
    "gap_curve": Threshold(
        "recall surely gained at the best place (lower end of the interval)", 0.01, 0.05, "ours"
    ),
    "gap_loss": Threshold(
        "nats surely saved at the best place (lower end of the interval)", 0.1, 0.5, "ours"
    ),
    "gap_variance": Threshold(
        "share of the joint variance along the gap beyond chance", 0.1, 0.4, "ours"
    ),
    "hubness": Threshold(
        "skewness of k-occurrence",
        1.0,
        2.0,
        "ours; Radovanovic et al. 2010 call data above 1.4 strongly hubby",
    ),
    "intrinsic_dimension": Threshold("TwoNN dimension", 5.0, 2.0, "ours"),
    "invariance": Threshold(
        "cosine with the changed picture, 0 for unrelated pictures and 1 for no change",
        0.8,
        0.4,
        "ours",
    ),
    "isotropy": Threshold(
        "log of the participation ratio as a share of isotropic data's at the same n and d",
        0.5,
        0.25,
        "ours",
    ),
    "length_collapse": Threshold(
        "rank correlation of length and nearness to the middle; 0 where chance would do",
        0.1,
        0.4,
        "ours",
    ),
    "local_dimension": Threshold("Levina-Bickel dimension", 5.0, 2.0, "ours"),
    "manifold_entropy": Threshold(
        "distance of neighbours as a share of that on an even sphere of the same dimension",
        0.5,
        0.25,
        "ours",
    ),
    "mean_cosine": Threshold("size of the mean cosine", 0.3, 0.7, "ours"),
    "modality_gap": Threshold("distance of the two centroids", 0.4, 1.0, LIANG),
    "near_duplicates": Threshold("share of items with a near-duplicate", 0.02, 0.2, "ours"),
    "neural_collapse": Threshold(
        "variance of the tightest label as a share of all items'", 0.2, 0.05, "ours"
    ),
    "numerical_rank": Threshold(
        "directions as a share of isotropic data's at the same n and d", 0.3, 0.1, "ours"
    ),
    "pair_hardness": Threshold(
        "hardness below that of unrelated pairs, in standard deviations of unrelated cosines",
        2.0,
        1.0,
        "ours, the same as for alignment",
    ),
    "pair_margin": Threshold(
        "share of captions that probably belong elsewhere", 0.03, 0.07, "ours"
    ),
    "participation_ratio": Threshold(
        "log of the ratio as a share of isotropic data's at the same n and d",
        0.5,
        0.25,
        "ours, the same as for isotropy",
    ),
    "partition_isotropy": Threshold(
        "smallest over largest partition sum", 0.33, 0.19, "ours: mean cosines of 0.3 and 0.7"
    ),
    "rate_reduction": Threshold(
        "share of the coding rate that labels save, beyond random groups", 0.05, 0.005, "ours"
    ),
    "reachability": Threshold(
        "share of pictures out of reach that random lists would reach", 0.05, 0.25, "ours"
    ),
    "separability": Threshold("balanced accuracy", 0.75, 0.99, "ours"),
    "shape_similarity": Threshold(
        "overlap of the main directions above chance, as a share of two halves'", 0.3, 0.05, "ours"
    ),
    "stable_rank": Threshold(
        "stable rank",
        3.0,
        1.5,
        "ours: about mean cosines of 0.3 and 0.7",
    ),
    "subgroup_recall": Threshold(
        "deviation of recall over labels beyond chance", 0.05, 0.15, "ours"
    ),
    "truncation": Threshold(
        "rise of the mean cosine for each doubling of the same texts' length; 0 where chance would "
        "do",
        0.02,
        0.08,
        "ours",
    ),
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
