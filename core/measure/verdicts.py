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


SOURCE = "ours"


@dataclass(frozen=True, slots=True)
class Advice:
    """Two sentences for a reader who has just seen the number."""

    why: str
    what: str


CENTER_KINDS = (
    "Per-modality mean removal, with a mean of its own for pictures, texts and queries; keep it if "
    "recall on held-out queries of mixed results gets better."
)
UNCONE = (
    "Centring, then all-but-the-top; keep it if the effective rank rises and recall does not fall."
)
TRUNCATE = (
    "Nothing, or PCA truncation at 95 to 99 % of the variance; keep it if recall@10 stays that of "
    "the full vectors."
)
NNN = (
    "A hub correction such as NNN, under Ranking on the Search page. `sextant evaluate NAME "
    "--hub-correction nnn` says what recall@1 gains; keep it if that and the hubs get better."
)
MIX = (
    "Look at the pairs behind it and mend wrong captions; where they are right, try an encoder "
    "that knows this kind of picture. Check recall@1 on pairs that were not touched."
)
SMALL = (
    "Collect more items of the weak labels; where there are none, GGEUR sampling (marked as "
    "synthetic). Check the recall of those labels on held-out items."
)
DUPLICATES = (
    "Look at the items behind it and delete copies; then measure again, because copies also bend "
    "hubness and dimension."
)

ADVICE: dict[str, Advice] = {
    "alignment": Advice(
        "Search across kinds works by this and nothing else: a caption must be nearer to its "
        "picture than to others.",
        MIX,
    ),
    "alpha_req": Advice(
        "Far below 1 the variance is spread so thin that it is mostly noise; far above 1 a few "
        "directions hold everything and fine differences are lost.",
        UNCONE,
    ),
    "class_subspaces": Advice(
        "Labels that are mixed up in the whole space may still part in a few directions; where "
        "they do, a filter or a reranker can use those.",
        "A reranker on the directions named here, fitted on labelled items; keep it if the two "
        "labels' recall rises on held-out items.",
    ),
    "codebook_collapse": Advice(
        "A quantised index (IVF, PQ) gives every cell the same room: uneven cells make it slow "
        "where items crowd and wrong where they are few.",
        "Centring before the index is built, or fewer cells; keep it if recall@10 against exact "
        "search rises at the same speed.",
    ),
    "coding_rate": Advice(
        "It says how many bits the items take to tell apart; low means that many of them say the "
        "same.",
        UNCONE,
    ),
    "cone": Advice(
        "In a narrow cone all cosines are high, so a score says little by itself and a cut at a "
        "fixed score breaks.",
        UNCONE,
    ),
    "coverage": Advice(
        "Questions that land where there is no picture are answered with whatever is nearest, "
        "however far that is.",
        "Add pictures for the texts behind it; until then show fewer results by the chance under "
        "the null. Check the share again afterwards.",
    ),
    "dimension_activity": Advice(
        "Dead coordinates cost memory and say nothing; rogue ones rule every cosine.",
        "Standardise each dimension or drop the dead ones; keep it if recall@10 does not fall.",
    ),
    "effective_rank": Advice(
        "The fewer directions are in use, the fewer things can be told apart; it falls before "
        "recall does.",
        UNCONE,
    ),
    "equiangularity": Advice(
        "Labels whose centres are close are mistaken for each other; at equal angles they are as "
        "far apart as their number allows.",
        "Merge labels that mean the same; else more items of the closest two. Check their recall "
        "on held-out items.",
    ),
    "equivariance": Advice(
        "A change that moves the vector in a way that can be computed can be undone, or asked for; "
        "one that moves it anyhow is lost to search.",
        "Where a change is not ignored and cannot be foretold: average the vectors of the changed "
        "pictures, or take another encoder; keep it if recall with changed queries rises.",
    ),
    "gap_curve": Advice(
        "It shows on this collection's own pairs whether the modality gap costs recall, and how "
        "much closing it would give.",
        "A shift along the gap to the best place on the curve; keep it if recall on pairs that did "
        "not choose it rises.",
    ),
    "gap_loss": Advice(
        "It shows whether the gap is where training left it; after a change of data or of encoder "
        "parts it often is not.",
        "A shift along the gap to the lowest place; keep it only if recall rises as well, because "
        "a lower loss alone finds nothing.",
    ),
    "gap_variance": Advice(
        "What the direction between pictures and texts takes is lost to meaning: PCA, k-means and "
        "index cells follow it first.",
        CENTER_KINDS,
    ),
    "hubness": Advice(
        "Hubs answer questions they have nothing to do with and push the right items down.",
        NNN,
    ),
    "intrinsic_dimension": Advice(
        "Few local directions mean that near items differ in few ways, often because of copies; "
        "many make indexes slower and hubs likelier.",
        DUPLICATES,
    ),
    "invariance": Advice(
        "An item should be found although its picture was cropped, turned or compressed; if its "
        "vector moves, it will not be.",
        "Average the vectors of the changed pictures, or take another encoder; keep it if recall "
        "with changed queries rises and plain recall does not fall.",
    ),
    "isotropy": Advice(
        "When a few directions hold the variance, cosines compare items on those alone.",
        UNCONE,
    ),
    "length_collapse": Advice(
        "Long texts that crowd together are found for everything or for nothing.",
        "Length-bin centring, or encoding again with a temperature below 1; keep it if the recall "
        "of the longest texts rises.",
    ),
    "local_dimension": Advice(
        "It says how many ways near items differ in; a low place in the map is often a cluster of "
        "copies.",
        DUPLICATES,
    ),
    "manifold_entropy": Advice(
        "Items that fill little of their own surface leave search only small differences to rank "
        "by.",
        DUPLICATES,
    ),
    "mean_cosine": Advice(
        "It is what two unrelated items score: only what lies above it means anything.",
        UNCONE,
    ),
    "modality_gap": Advice(
        "Where results mix both kinds, the gap ranks all items of one kind above all of the other.",
        CENTER_KINDS,
    ),
    "near_duplicates": Advice(
        "Copies fill the first page of results with one picture and make recall look worse than it "
        "is.",
        DUPLICATES,
    ),
    "neural_collapse": Advice(
        "Where all items of a label are one point, labels are found and nothing finer is.",
        "An earlier layer or a more general encoder; keep it if recall within a label rises.",
    ),
    "numerical_rank": Advice(
        "It is how many dimensions the collection needs: the rest can be cut to save memory, or "
        "shows that the encoder is not used.",
        TRUNCATE,
    ),
    "pair_hardness": Advice(
        "It says whether pairs hold together when both sides are blurred: what passes only just "
        "will break with a small change of data.",
        MIX,
    ),
    "pair_margin": Advice(
        "A caption nearer to another picture than to its own is a miss for every user who types "
        "it, or a wrong caption.",
        MIX,
    ),
    "participation_ratio": Advice(
        "It counts the directions that matter to a cosine; when it is low, a few topics decide "
        "every ranking.",
        UNCONE,
    ),
    "partition_isotropy": Advice(
        "A space that leans one way gives items on that side a start in every ranking.",
        UNCONE,
    ),
    "rate_reduction": Advice(
        "It is what the labels explain of the space: without any, a search by label is a guess.",
        "Check the labels of the items behind the confused ones; else an encoder trained on such "
        "labels. Check recall by label.",
    ),
    "reachability": Advice(
        "A picture that no caption finds might as well not be in the collection.",
        NNN,
    ),
    "separability": Advice(
        "At 1 the two kinds never mix: in a shared list texts come before pictures whatever is "
        "asked.",
        CENTER_KINDS,
    ),
    "shape_similarity": Advice(
        "Groups that vary alike can lend to each other: what was learnt of a common label then "
        "holds for a rare one.",
        SMALL,
    ),
    "stable_rank": Advice(
        "Near 1 one direction decides every cosine, and that is mostly the mean.",
        UNCONE,
    ),
    "subgroup_recall": Advice(
        "A good average can hide labels that search hardly finds.",
        SMALL,
    ),
    "truncation": Advice(
        "It tells an encoder that crowds long texts from long texts that are about the same: only "
        "the first can be mended without other texts.",
        "Cut texts to the length at which they lie widest apart, or encode again with a "
        "temperature below 1; keep it if the recall of the longest texts rises.",
    ),
    "uniformity": Advice(
        "Items that use the whole sphere can be told apart; crowded ones tie.",
        UNCONE,
    ),
}
