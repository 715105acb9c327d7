"""The benchmark of cutoffs: rows on a synthetic collection, and planted subjects."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.bench.cut import cuts, rows, subjects, synthetic, tails


def test_expected_and_observed_false_positives_agree(monkeypatch):
    monkeypatch.setattr(cuts, "SPLITS", 2)
    forms = {form: tails.FORMS[form] for form in ("text", "text - text")}
    monkeypatch.setattr(tails, "FORMS", forms)
    found = rows("pairs", synthetic(n=240))
    assert json.loads(json.dumps(found)) == found
    named = {row["name"].removeprefix("pairs: "): row for row in found}
    for form in forms:
        assert 0.4 < named[f"{form}, {tails.IN_USE}, 10 expected"]["ratio"] < 1.6
    default, calibrated = named[f"F0.5, {cuts.IN_USE}"], named[f"F0.5, {cuts.CALIBRATED}"]
    assert named["F0.5, first 20"]["value"] < 0.2
    assert default["ratio"] == 1
    assert default["recall"] <= calibrated["recall"]
    recall = [row["value"] for row in found if row["name"].endswith("recall, calibrated")]
    assert recall == sorted(recall, reverse=True)


def test_subjects_are_planted_in_the_requested_share():
    """Half of the captions name a dog."""
    space = synthetic(n=200)
    texts = ["a dog" if i < 100 else "nothing" for i in range(200)]
    doubled = replace(space, pairs=np.concatenate([space.pairs] * 2))
    yes, no = subjects.named(doubled, texts, "dogs?")
    assert (yes.tolist(), no.tolist()) == (list(range(100)), list(range(100, 200)))
    for share in (0, 0.1, 0.3):
        for matching, rest in subjects.planted(yes, no, share):
            assert len(matching) / (len(matching) + len(rest)) == pytest.approx(share, abs=0.01)
    row = subjects.subject_row("x", space, np.array([[1, 2, 4], [0, 0, 4]]))
    assert (row["recall"], row["value"]) == (0.125, pytest.approx(1.25 / 3 / 2, abs=1e-4))
