"""What a Space is like: findings, scores and coordinates; no disk, no encoder."""

from core.measure.analogies import Analogies, analogies
from core.measure.catalog import family_rank, measure, measures, reading, title
from core.measure.compare import COMPARE_AID, Contrast, compare
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.findings import extremes, finding_curves, rows_of_kind
from core.measure.probe_data import Augmented, ProbeData
from core.measure.probes import PROBES
from core.measure.projections import PROJECTIONS
from core.measure.retrieval import (
    HELD_OUT,
    Direction,
    Evaluation,
    evaluate,
    gained,
    hardest,
    recall_curve,
)
from core.measure.verdicts import SOURCE, Advice, Threshold

__all__ = [
    "COMPARE_AID",
    "DIAGNOSTICS",
    "HELD_OUT",
    "PROBES",
    "PROJECTIONS",
    "SOURCE",
    "Advice",
    "Analogies",
    "Augmented",
    "Contrast",
    "Direction",
    "Evaluation",
    "ProbeData",
    "Threshold",
    "analogies",
    "compare",
    "evaluate",
    "extremes",
    "family_rank",
    "finding_curves",
    "gained",
    "hardest",
    "measure",
    "measures",
    "reading",
    "recall_curve",
    "rows_of_kind",
    "title",
]
