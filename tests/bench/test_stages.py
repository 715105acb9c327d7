"""The table of stages: metrics, intervals, and that nothing is fitted on held-out rows."""

import numpy as np
import pytest

from core.errors import InputError
from core.improve.hub_corrections import HUB_CORRECTIONS
from tests.bench import stages
from tests.bench.stages import known
from tests.fixtures import spaces


def hubby(n=80, d=24, seed=0):
    """Pairs, with one image in four shifted towards the mean text."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, d))
    texts = images + 1.0 * rng.normal(size=(n, d))
    images[::4, 0] += 6
    texts[:, 0] += 4
    return spaces.space(images, texts, spaces.diagonal(n))


@pytest.fixture
def task():
    space = hubby()
    judged = np.arange(space.n) % 80 < 40
    return known.directed("planted", space, judged, "made up", "text to image")


def by_name(rows):
    return {row["name"].partition(": ")[2]: row for row in rows}


def test_every_hub_correction_and_reranker_has_a_row_for_every_metric(task):
    rows = by_name(stages.measured(task, stages.stages()))
    parts = [stages.PLAIN, *HUB_CORRECTIONS.all(), *stages.tokenless()]
    assert set(rows) == {f"{name}, {metric}" for name in parts for metric in stages.METRICS}
    for row in rows.values():
        assert set(row) == {
            "name", "n", "d", "value", "unit", "baseline", "ratio", "recall", "note"
        }  # fmt: skip
        assert 0 <= row["value"] <= 100
        assert row["n"] == 40
    plain = rows["cosine, recall@1"]
    assert plain["value"] == plain["baseline"]
    assert plain["note"].startswith("+0.0 points (+0.0 to +0.0); 40 queries; made up")


def test_rerankers_that_need_tokens_are_left_out():
    assert set(stages.tokenless()) >= {"k_reciprocal", "super_global"}
    assert "max_sim" not in stages.tokenless()


def test_planted_hubs_cost_recall_and_a_correction_gets_it_back(task):
    rows = by_name(stages.measured(task, stages.stages()))
    assert rows["nnn, recall@1"]["value"] > rows["nnn, recall@1"]["baseline"] + 5


def test_a_stage_is_one_function_and_its_gain_is_paired(task):
    def right(task):
        return np.argsort(~task.relevant, axis=1, kind="stable")

    def plain(task):
        return stages.ranked(task, task.space)

    rows = by_name(stages.measured(task, {"cosine": plain, "right": right}))
    assert rows["right, recall@1"]["value"] == rows["right, mAP"]["value"] == 100
    low, high = rows["right, recall@1"]["note"].split("(")[1].split(")")[0].split(" to ")
    gain = 100 - rows["right, recall@1"]["baseline"]
    assert 0 < float(low) < gain < float(high)


def test_rankings_are_those_of_search(task):
    from core.search.engine import run
    from core.search.plan import SearchPlan
    from core.search.rerankers import RERANKERS

    part = RERANKERS.get("super_global")
    order = stages.ranked(task, task.space, part)
    mask = np.isin(np.arange(task.space.n), task.candidates)
    for i in (0, 7, 31):
        vector = task.space.vectors[task.queries[i]]
        plan = SearchPlan(task.space, vector, k=40, kinds=("image",), mask=mask, rerank=part)
        hits = run(plan).hits
        assert [h.row for h in hits] == task.candidates[order[i]].tolist()


def test_nothing_is_fitted_on_held_out_rows(task):
    """Other held-out texts, the same query banks: the ranking of the first query stays."""
    moved = task.space.vectors.copy()
    moved[task.queries[1:]] = spaces.directions(39, 24, 5)
    other = spaces.space(moved[:80], moved[80:], task.space.pairs)
    again = known.directed("moved", other, task.held_out, "", "text to image")
    for name in HUB_CORRECTIONS.all():
        stage = stages.stages()[name]
        np.testing.assert_array_equal(stage(task)[0], stage(again)[0])


def test_queries_and_candidates_are_held_out_both_ways():
    space = spaces.space(
        spaces.directions(30, 16),
        spaces.directions(150, 16, 1),
        np.column_stack([np.arange(150) // 5, 30 + np.arange(150)]),
    )
    judged = known.with_captions(space, np.arange(30) < 10)
    forth = known.directed("", space, judged, "", "text to image")
    back = known.directed("", space, judged, "", "image to text")
    assert forth.relevant.shape == (50, 10)
    assert back.relevant.shape == (10, 50)
    np.testing.assert_array_equal(forth.relevant, back.relevant.T)
    np.testing.assert_array_equal(forth.groups, np.arange(50) // 5)
    assert (forth.relevant.sum(axis=1) == 1).all()


def test_images_never_retrieve_themselves():
    space = spaces.paired(n=40, d=8)
    labels = ["cat", "dog", "", "cow"] * 10
    task = known.alike("", space, labels, "")
    assert not (task.queries[:, None] == task.candidates)[task.relevant].any()
    assert all(labels[row] for row in task.queries)
    order = stages.ranked(task, space)
    assert (task.candidates[order[:, -1]] == task.queries).all()


def test_the_unseen_images_are_those_of_the_model_card(data):
    import json

    lines = (data / "flickr8k-800" / "items.jsonl").read_text("utf-8").splitlines()
    assert sum(known.unseen(json.loads(line)["image"]) for line in lines) == 157


def test_missing_data_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"There are no captioned images at .*flickr8k-800"):
        known.tasks(tmp_path)


def test_a_reranker_is_timed_beside_a_product():
    rows = list(stages.speeds(m=30, d=8, runs=3))
    assert [row["name"].partition(":")[0] for row in rows] == stages.tokenless()
    assert all(row["unit"] == "ms" and row["ratio"] > 0 for row in rows)
