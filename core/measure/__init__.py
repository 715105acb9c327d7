"""What a Space is like: findings, scores and coordinates; no disk, no encoder."""

from core.measure.analogies import Analogies, analogies
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
from core.measure.compare import COMPARE_AID, Contrast, compare
from core.measure.diagnostics import DIAGNOSTICS
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
    hardest,
    recall_curve,
)
from core.measure.usual import USUAL
from core.measure.verdicts import CAUSES, SOURCE, Advice, Threshold, too_few

__all__ = [
    "CAUSES",
    "COMPARE_AID",
    "DIAGNOSTICS",
    "HELD_OUT",
    "PROBES",
    "PROJECTIONS",
    "SOURCE",
    "USUAL",
    "Advice",
    "Analogies",
    "Augmented",
    "Contrast",
    "Direction",
    "Evaluation",
    "ProbeData",
    "Threshold",
    "analogies",
    "chance_curve",
    "compare",
    "count",
    "estimate",
    "evaluate",
    "extremes",
    "family_rank",
    "finding_curves",
    "folded",
    "folded_sentence",
    "format_value",
    "gained",
    "hardest",
    "interval",
    "measure",
    "measures",
    "percent",
    "reading",
    "recall_curve",
    "rows_of_kind",
    "share",
    "shown",
    "title",
    "too_few",
]
