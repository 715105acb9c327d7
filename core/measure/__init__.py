"""What a Space is like: findings, scores and coordinates; no disk, no encoder."""

from core.measure.analogies import Analogies, analogies
from core.measure.by_label import (
    Classification,
    Confusion,
    LabelRetrieval,
    LabelScore,
    classify,
    images_of_label,
)
from core.measure.catalog import (
    family_rank,
    folded,
    folded_sentence,
    measure,
    measures,
    reading,
    shown,
    title,
)
from core.measure.clusters import Clusters, by_density, by_means, clusters_of, named_clusters
from core.measure.compare import COMPARE_AID, Contrast, by_size, compare, rarefied
from core.measure.concerns import Concern, concerns
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.figures import FIGURES, RANDOM, Figure
from core.measure.findings import (
    count,
    estimate,
    extremes,
    finding_curves,
    format_value,
    interval,
    percent,
    rows_of_kind,
    share,
)
from core.measure.gate import (
    Criterion,
    Metric,
    Outcome,
    QueryRanks,
    against_earlier,
    against_threshold,
    overall,
)
from core.measure.group_recall import GroupRecall, recall_by_group
from core.measure.keyness import (
    KeyTerm,
    Occurrences,
    draw_units,
    key_terms,
    name_of,
    nearest_texts,
    occurrences,
    units,
)
from core.measure.map_places import laid_over, moved_most, placed
from core.measure.misses import REASONS, Misses, Reason, find_misses
from core.measure.pair_check import Suspects, suspects
from core.measure.probe_data import Augmented, ProbeData
from core.measure.probes import PROBES
from core.measure.projections import PROJECTIONS
from core.measure.retrieval import (
    HELD_OUT,
    Direction,
    Evaluation,
    chance_curve,
    evaluate,
    gained,
    gains,
    hardest,
    recall_curve,
)
from core.measure.separation import Separation, separations
from core.measure.usual import CLIP_ALIGNMENT, USUAL
from core.measure.verdicts import CAUSES, SOURCE, Advice, Threshold, too_few
from core.measure.versus import Versus, compare_directions, shared_items

__all__ = [
    "CAUSES",
    "CLIP_ALIGNMENT",
    "COMPARE_AID",
    "DIAGNOSTICS",
    "FIGURES",
    "HELD_OUT",
    "PROBES",
    "PROJECTIONS",
    "RANDOM",
    "REASONS",
    "SOURCE",
    "USUAL",
    "Advice",
    "Analogies",
    "Augmented",
    "Classification",
    "Clusters",
    "Concern",
    "Confusion",
    "Contrast",
    "Criterion",
    "Direction",
    "Evaluation",
    "Figure",
    "GroupRecall",
    "KeyTerm",
    "LabelRetrieval",
    "LabelScore",
    "Metric",
    "Misses",
    "Occurrences",
    "Outcome",
    "ProbeData",
    "QueryRanks",
    "Reason",
    "Separation",
    "Suspects",
    "Threshold",
    "Versus",
    "against_earlier",
    "against_threshold",
    "analogies",
    "by_density",
    "by_means",
    "by_size",
    "chance_curve",
    "classify",
    "clusters_of",
    "compare",
    "compare_directions",
    "concerns",
    "count",
    "draw_units",
    "estimate",
    "evaluate",
    "extremes",
    "family_rank",
    "find_misses",
    "finding_curves",
    "folded",
    "folded_sentence",
    "format_value",
    "gained",
    "gains",
    "hardest",
    "images_of_label",
    "interval",
    "key_terms",
    "laid_over",
    "measure",
    "measures",
    "moved_most",
    "name_of",
    "named_clusters",
    "nearest_texts",
    "occurrences",
    "overall",
    "percent",
    "placed",
    "rarefied",
    "reading",
    "recall_by_group",
    "recall_curve",
    "rows_of_kind",
    "separations",
    "share",
    "shared_items",
    "shown",
    "suspects",
    "title",
    "too_few",
    "units",
]
