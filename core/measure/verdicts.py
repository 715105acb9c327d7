"""Thresholds and advice that parts declare, and the verdict on a finding.

A threshold judges a finding's yardstick: its value, or what the part sets in its place where only
that can be compared between spaces. "ours" marks a threshold set by this project.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from math import isfinite
from typing import Any

from core.measure.usual import USUAL
from core.types import Finding, Space, Verdict

Measure = Callable[..., tuple[Finding, ...]]
SOURCE = "ours"
LEAST = 100  # images, or items of a space of one kind, for a verdict
# The part that stands for each common cause; the others with that cause are folded under it.
CAUSES = {"mean": "mean_cosine", "gap": "modality_gap"}


@dataclass(frozen=True, slots=True)
class Threshold:
    """Good up to `good`, bad beyond `bad`, watch between; high is better where good > bad."""

    yardstick: str
    good: float
    bad: float
    source: str

    @property
    def words(self) -> str:
        """The rule in words."""
        if self.good > self.bad:
            return f"{self.yardstick}: good from {self.good:g}, bad below {self.bad:g}"
        return f"{self.yardstick}: good up to {self.good:g}, bad above {self.bad:g}"


@dataclass(frozen=True, slots=True)
class Advice:
    """Why a number matters, and what to do when it is bad."""

    why: str
    what: str


def judge(rule: Threshold, yardstick: float) -> Verdict:
    """The verdict on a yardstick; "unknown" for NaN.

    >>> skew = Threshold("skewness", good=1.0, bad=2.0, source="ours")
    >>> judge(skew, 0.4), judge(skew, 1.5), judge(skew, 3.0), judge(skew, float("nan"))
    ('good', 'watch', 'bad', 'unknown')
    """
    if not isfinite(yardstick):
        return "unknown"
    sign = -1.0 if rule.good > rule.bad else 1.0
    if sign * yardstick <= sign * rule.good:
        return "good"
    return "bad" if sign * yardstick > sign * rule.bad else "watch"


def judged(function: Measure, rule: Threshold, over: str = "", cause: str = "") -> Measure:
    """The function, with its findings named after its file and judged by its threshold.

    A finding that has a name already ("rotation") is named "part: rotation". `over` is what its
    interval is over, where it does not say so. A value that is usual for encoders of the CLIP
    family, or that follows from a common `cause`, is at worst "watch": one cause is not a fault
    in each of its consequences. A space of few items gets no verdict.
    """
    part = function.__module__.rpartition(".")[2]

    @wraps(function)
    def measure(*args: Any, **settings: Any) -> tuple[Finding, ...]:
        few = too_few(args[0]) if args and isinstance(args[0], Space) else ""
        return tuple(
            _complete(f, part, rule, over, mild=bool(cause), few=few)
            for f in function(*args, **settings)
        )

    return measure


def too_few(space: Space) -> str:
    """Why a space gets no verdicts: too few images, or items where it has one kind; "" if enough.

    >>> space = Space([[1, 0], [0, 1], [0, 1]], ("a", "b", "c"), 1)
    >>> too_few(space)
    'Too few images (1) for a verdict: it takes 100.'
    """
    both = 0 < space.n_images < space.n
    n = space.n_images if both else space.n
    what = "images" if space.n_images else "texts"
    return f"Too few {what} ({n}) for a verdict: it takes {LEAST}." if n < LEAST else ""


def _complete(
    finding: Finding, part: str, rule: Threshold, over: str, *, mild: bool, few: str
) -> Finding:
    name = f"{part}: {finding.name}" if finding.name else part
    yardstick = finding.value if finding.yardstick is None else finding.yardstick
    verdict = judge(rule, yardstick)
    usual = part in USUAL and USUAL[part].holds(finding.value)
    if verdict == "bad" and (mild or usual):
        verdict = "watch"
    unknown = "" if finding.has_interval else "Too few items for an interval."
    return replace(
        finding,
        name=name,
        verdict="unknown" if few else verdict,
        over=finding.over or over,
        detail=" ".join(filter(None, (finding.detail, few, unknown))),
    )


CENTER_KINDS = (
    "Subtract the mean of each modality (images, texts and queries separately); keep it if recall "
    "on held-out queries over mixed results improves."
)
UNCONE = (
    "Center the vectors, then apply all-but-the-top; keep it if the effective rank rises and "
    "recall does not drop."
)
TRUNCATE = (
    "Nothing, or PCA truncation at 95 to 99% of the variance; keep it if recall@10 stays that of "
    "the full vectors."
)
NNN = (
    "A hubness correction such as NNN, under Ranking on the Search page. `sextant evaluate NAME "
    "--hub-correction nnn` measures the gain in recall@1; keep it if recall and hubness improve."
)
MIX = (
    "Inspect the pairs behind it and fix wrong captions; where they are right, try an encoder "
    "trained on this kind of image. Check recall@1 on pairs that were not edited."
)
SMALL = (
    "Collect more items of the weak labels; where there are none, GGEUR sampling (marked as "
    "synthetic). Check the recall of those labels on held-out items."
)
DUPLICATES = (
    "Inspect the items behind it and delete copies; then measure again, because copies also "
    "distort hubness and dimension."
)
