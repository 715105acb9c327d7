"""The gate: decided on intervals, paired where the queries are known."""

from math import nan

import numpy as np
import pytest

from core.measure import Contrast
from core.measure.gate import Metric, QueryRanks, against_earlier, against_threshold, overall
from core.numerics.stats import family_z
from core.types import Finding, Reference


@pytest.mark.parametrize(
    ("low", "high", "under", "over"),
    [
        (0.7, 0.79, "fail", "pass"),
        (0.8, 0.9, "pass", "undecided"),
        (0.81, 0.9, "pass", "fail"),
        (0.7, 0.9, "undecided", "undecided"),
        (0.8, 0.8, "pass", "pass"),
        (nan, nan, "undecided", "undecided"),
    ],
)
def test_a_threshold_is_decided_by_the_whole_interval(low, high, under, over):
    metric = Metric(0.8, low, high)
    assert against_threshold("x", metric, 0.8, over=False).outcome == under
    assert against_threshold("x", metric, 0.8, over=True).outcome == over


def ranks(values, each=1):
    n = len(values)
    return QueryRanks(tuple(map(str, range(n))), tuple(values), tuple(i // each for i in range(n)))


def one(before, after, each=1):
    metric = {"t.recall@1": Metric(0.5, 0.4, 0.6)}
    given = {"t": ranks(after, each)}, {"t": ranks(before, each)}
    (found,) = against_earlier(metric, metric, *given)
    return found


def test_on_the_same_queries_the_difference_is_paired():
    found = one([1] * 40, [1] * 30 + [2] * 10)
    assert found.value == pytest.approx(-0.25)
    error = np.sqrt(40 / 39 * 0.25 * 0.75 / 40)  # of a mean of forty zeros and minus ones
    assert found.low == pytest.approx(-0.25 - family_z(1) * error)
    assert found.outcome == "fail"
    assert one([1] * 40, [1] * 38 + [2] * 2).outcome == "pass"
    assert one([2] * 40, [1] * 40).outcome == "pass"


def test_captions_of_one_image_are_one_draw():
    """Ten queries that fail together are one image, and prove nothing."""
    before, after = [1] * 40, [1] * 30 + [2] * 10
    assert one(before, after, each=10).outcome == "pass"


def test_more_metrics_make_wider_intervals():
    metrics = {f"t.recall@{k}": Metric(0.5, 0.4, 0.6) for k in (1, 5, 10)}
    given = ranks([1] * 30 + [20] * 10), ranks([1] * 40)
    found = against_earlier(metrics, metrics, {"t": given[0]}, {"t": given[1]})
    assert {f.low for f in found} == {found[0].low}
    alone = one([1] * 40, [1] * 30 + [20] * 10)
    widths = (found[0].high - found[0].low), (alone.high - alone.low)
    assert widths[0] / widths[1] == pytest.approx(family_z(3) / family_z(1))


def test_without_ids_two_intervals_are_compared():
    before = {
        "a": Metric(0.8, 0.75, 0.85),
        "rank": Metric(3, 2, 4, "low"),
        "n": Metric(1, 1, 1, ""),
    }
    same = against_earlier(before, before, {}, {})
    assert [(f.metric, f.outcome) for f in same] == [("a", "pass"), ("rank", "pass")]
    worse = {"a": Metric(0.6, 0.5, 0.7), "rank": Metric(6, 5, 7, "low")}
    assert [f.outcome for f in against_earlier(worse, before, {}, {})] == ["fail", "fail"]
    assert [f.outcome for f in against_earlier(before, worse, {}, {})] == ["pass", "pass"]
    unknown = {"a": Metric(0.6, nan, nan)}
    assert [f.outcome for f in against_earlier(unknown, before, {}, {})] == ["undecided"]


def test_a_difference_is_shown_as_two_findings_show_it():
    """Overlapping intervals whose difference excludes 0: the gate and the page say the same."""

    def finding(value, low, high):
        return Finding("image", value, low, high, Reference(0, ""), "", "")

    for value, outcome in ((0.70, "fail"), (0.72, "pass")):
        ends = (value, value - 0.04, value + 0.04), (0.775, 0.735, 0.815)
        (found,) = against_earlier({"x": Metric(*ends[0])}, {"x": Metric(*ends[1])}, {}, {})
        assert found.outcome == outcome
        assert Contrast(*(finding(*e) for e in ends)).differs is (outcome == "fail")
    assert "difference is −0.055 (−0.112 to 0.002): not shown" in found.sentence


def test_more_metrics_need_clearer_differences():
    now, earlier = Metric(0.70, 0.66, 0.74), Metric(0.775, 0.735, 0.815)
    names = [str(i) for i in range(20)]
    found = against_earlier(dict.fromkeys(names, now), dict.fromkeys(names, earlier), {}, {})
    assert {f.outcome for f in found} == {"pass"}


def test_the_worst_outcome_counts():
    made = [
        against_threshold("x", Metric(0.5, 0.4, 0.6), limit, over=False)
        for limit in (0.3, 0.5, 0.7)
    ]
    assert overall(made[:1]) == "pass"
    assert overall(made[:2]) == "undecided"
    assert overall(made[:2], strict=True) == "fail"
    assert overall(made) == "fail"
