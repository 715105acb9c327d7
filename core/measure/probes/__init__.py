"""Tests of an encoder itself, on augmented images and shortened texts: one file each.

A finding is named after its probe and the change: "invariance: rotation".
"""

from collections.abc import Callable
from typing import Literal

from core.measure.verdicts import Advice, Measure, Threshold, judged
from core.registry import Registry

PROBES: Registry[Measure] = Registry(__name__, "probe")


def probe(
    *,
    title: str,
    family: str,
    source: str,
    takes: Literal["images", "texts"],
    better: Literal["low", "high", "none"],
    bounds: tuple[float, float],
    threshold: Threshold,
    advice: Advice,
    aid: str = "",
    over: str = "",
) -> Callable[[Measure], Measure]:
    """Declare a probe: a function of `ProbeData` and keyword settings that returns findings.

    Args:
        title: its name on screen.
        family: the section of the report.
        source: the paper, with its year.
        takes: what must be encoded for it.
        better: the direction in which the value gets better.
        bounds: the least and the largest value there can be.
        threshold: when its value, or the finding's yardstick, is good or bad.
        advice: why it matters and what to do.
        aid: how to read its curve.
        over: what the intervals of its findings are over, where they do not say so themselves.
    """
    register = PROBES(
        title=title, family=family, source=source, takes=takes, better=better, bounds=bounds,
        threshold=threshold, advice=advice, aid=aid, over=over,
    )  # fmt: skip
    return lambda function: register(judged(function, threshold, over))
