"""Measurements of a space: one file each. Add one by adding a file."""

from collections.abc import Callable
from typing import Literal

from core.measure.verdicts import Advice, Measure, Threshold, judged
from core.registry import Registry
from core.types import Scope

DIAGNOSTICS: Registry[Measure] = Registry(__name__, "diagnostic")


def diagnostic(
    *,
    title: str,
    family: str,
    source: str,
    better: Literal["low", "high", "none"],
    bounds: tuple[float, float],
    invariant: tuple[Literal["rotation", "order"], ...],
    threshold: Threshold,
    advice: Advice,
    aid: str = "",
    over: str = "",
    percent: bool = False,
    cause: str = "",
    vital: Scope | None = None,
    per_item: bool = False,
    worst: Literal["low", "high"] = "high",
    concern: str = "",
) -> Callable[[Measure], Measure]:
    """Declare a diagnostic: a function of a space and keyword settings that returns findings.

    Args:
        title: its name on screen.
        family: the section of the report.
        source: the paper, with its year.
        better: the direction in which the value gets better.
        bounds: the least and the largest value there can be.
        invariant: what may change in the space without changing the value.
        threshold: when its value, or the finding's yardstick, is good or bad.
        advice: why it matters and what to do.
        aid: how to read its curve.
        over: what the intervals of its findings are over, where they do not say so themselves.
        percent: its value is a share, shown in percent.
        cause: what it follows from, where other diagnostics follow from the same: see `CAUSES`.
        vital: the scope that counts, of a diagnostic among the vital signs.
        per_item: its findings have a value for single items, by which the map can be colored.
        worst: the end of those values that is behind a finding that is not good.
        concern: what is wrong where it is not good, in a few words; without, the end of the
            finding's sentence says so.
    """
    register = DIAGNOSTICS(
        title=title, family=family, source=source, better=better, bounds=bounds,
        invariant=invariant, threshold=threshold, advice=advice, aid=aid, over=over,
        percent=percent, cause=cause, vital=vital, per_item=per_item,
        worst=worst, concern=concern,
    )  # fmt: skip
    return lambda function: register(judged(function, threshold, over, cause))
