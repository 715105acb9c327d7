"""What to do: findings that are not good, by the action they ask for."""

from dataclasses import replace

import numpy as np

from core.measure import concerns
from core.measure.verdicts import DUPLICATES, NNN
from core.types import Finding, Reference


def finding(name, verdict="watch", scope="image", **more):
    sentence = f"The {name} is 0.3 (0.2 to 0.4), against 0.1. Something is off."
    return Finding(
        scope, 0.3, 0.2, 0.4, Reference(0.1, "chance"), sentence, "exact", name, verdict, **more
    )


def test_what_is_to_mend_comes_first_then_the_order_in_which_to_act():
    found = [
        finding("isotropy"),
        finding("hubness", scope="text"),
        finding("coverage", "bad"),
        finding("pair_margin", "bad"),
        finding("near_duplicates"),
        finding("uniformity", "good"),
        finding("alpha_req", "unknown"),
    ]
    result = concerns(found)
    assert [(c.verdict, c.action) for c in result] == [
        ("bad", "review"),
        ("bad", "read"),
        ("watch", "duplicates"),
        ("watch", "correct"),
        ("watch", "read"),
    ]
    assert [c.advice for c in result[2:4]] == [DUPLICATES, NNN]


def test_one_action_is_one_concern_and_the_worst_stands_for_it():
    many = [finding("reachability"), finding("hubness", "bad"), finding("hubness", scope="text")]
    (one,) = concerns(many)
    assert (one.lead.name, one.lead.verdict, one.verdict) == ("hubness", "bad", "bad")
    assert one.also == "Reachability (images), Hubness (texts)"


def test_recall_stands_above_the_list_and_leads_only_alone():
    recall = finding("pair_recall", "bad", "pairs")
    (both,) = concerns([recall, finding("pair_margin", scope="pairs")])
    assert both.lead.name == "pair_margin"
    assert both.verdict == "bad"
    assert concerns([recall])[0].lead.name == "pair_recall"


def test_a_common_cause_counts_once():
    found = [finding("mean_cosine", "bad"), finding("cone"), finding("uniformity")]
    (one,) = concerns(found)
    assert (one.lead.name, one.others) == ("mean_cosine", ())


def test_the_rows_behind_are_those_of_the_worst_values():
    values = np.array([3, np.nan, 1, 2], np.float32)
    high = replace(finding("hubness"), per_item=values, per_item_title="lists")
    low = replace(finding("reachability"), per_item=values, per_item_title="lists")
    (one,) = concerns([high])
    assert one.rows(high, 2).tolist() == [0, 3]
    assert one.rows(low, 2).tolist() == [2, 3]
    assert one.rows(finding("hubness"), 2).tolist() == []


def test_headline_and_number_say_different_things():
    (one,) = concerns([finding("near_duplicates")])
    assert one.headline == "Something is off"
    assert one.about == "The near_duplicates is 0.3 (0.2 to 0.4), against 0.1."
