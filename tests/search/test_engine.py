"""Search returns the highest cosines, with calibrated statistics beside them."""

from dataclasses import replace

import numpy as np
import pytest

from core.errors import InputError
from core.improve import compressed, fit_way, parse_way
from core.search.engine import run, search
from core.search.index import two_bit
from core.search.index.compressed import CodeIndex
from core.search.plan import SearchPlan
from core.search.result import describe_changes, hub_ratios
from core.types import Attributes, Space
from tests.fixtures.spaces import unit


@pytest.fixture
def space(rng):
    vectors = unit(rng.normal(size=(3000, 64)))
    return Space(vectors, tuple(map(str, range(3000))), 2000)


def test_hits_are_the_nearest_in_order(space):
    answer = search(space, space.vectors[7], k=5)
    assert answer.hits[0].id == "7"
    assert answer.hits[0].cosine == pytest.approx(1, abs=1e-5)
    cosines = space.vectors @ space.vectors[7]
    assert [h.row for h in answer.hits] == np.argsort(-cosines)[:5].tolist()
    assert [h.rank for h in answer.hits] == [1, 2, 3, 4, 5]


def test_pages_continue_where_the_last_ended(space):
    whole = search(space, space.vectors[7], k=20).hits
    page = SearchPlan(space, space.vectors[7], k=10, start=10)
    assert run(page).hits == whole[10:]
    assert run(replace(page, start=5000)).hits == ()


def test_kinds_masks_and_the_asker_are_respected(space):
    mask = np.zeros(3000, bool)
    mask[[5, 7, 2500]] = True
    found = search(space, space.vectors[7], mask=mask, exclude=np.array([7]))
    assert {h.row for h in found.hits} == {5, 2500}
    assert found.n == 2
    assert all(h.row >= 2000 for h in search(space, space.vectors[7], kinds=("text",)).hits)


def test_a_filter_that_nothing_passes_gives_a_sentence(space):
    answer = search(space, space.vectors[7], mask=np.zeros(3000, bool))
    assert answer.hits == ()
    assert answer.sentence.startswith("No candidates")


def test_score_bias_moves_ranks_but_not_cosines(space):
    offset = np.zeros(3000, np.float32)
    offset[7] = 2
    biased = Space(space.vectors, space.ids, 2000, offset=offset)
    hits = search(biased, space.vectors[7], k=3000).hits
    assert hits[-1].row == 7
    assert hits[-1].cosine == pytest.approx(1, abs=1e-5)
    assert hits[-1].score == pytest.approx(-1, abs=1e-5)


def test_a_real_match_stands_out_and_noise_does_not(space, rng):
    vector = unit(space.vectors[7] + 0.05 * rng.normal(size=64))
    match = search(space, vector)
    assert match.p_value < 0.001
    assert match.hits[0].p_null < 1e-6
    noise = [search(space, unit(rng.normal(size=64))).p_value for _ in range(60)]
    assert np.mean(np.array(noise) < 0.05) <= 0.15


@pytest.mark.parametrize("large", [False, True])
def test_the_p_value_is_that_of_the_highest_cosine_whatever_ranks_first(space, monkeypatch, large):
    monkeypatch.setattr(two_bit, "PAYS", 1 if large else two_bit.PAYS)
    plain = search(space, space.vectors[7])
    bias = np.where(np.arange(3000) == 7, 2, 0).astype(np.float32)
    for kinds in ("image", "text"), ("image",):
        found = search(space.biased(bias, "step"), space.vectors[7], kinds=kinds)
        assert found.hits[0].row != 7
        assert found.p_value == pytest.approx(plain.p_value, rel=0.5)
    assert search(space, space.vectors[7], mask=np.zeros(3000, bool)).p_value == 1
    assert run(SearchPlan(space, space.vectors[7], kinds=())).p_value == 1


def test_without_calibration_nothing_is_said_to_match_or_not(space):
    found = search(space, space.vectors[7], k=5)
    assert (found.matches, found.no_match) == (None, False)
    assert {(hit.band, hit.match) for hit in found.hits} == {("", False)}
    assert "without P(match)" in found.sentence


def test_a_planted_hub_is_marked(rng):
    vectors = unit(rng.normal(size=(600, 64)))
    vectors[300:] = unit(vectors[300:] + 1.5 * vectors[3])
    ratios = hub_ratios(Space(vectors, tuple(map(str, range(600))), 300))
    assert ratios[3] > 5
    assert ratios[:300].argmax() == 3


def test_a_query_of_another_length_is_refused(space):
    with pytest.raises(InputError, match="The query has 3 dimensions; the collection has 64"):
        search(space, np.ones(3, np.float32))


def test_what_a_preference_moves_is_compared_with_the_cosine_alone(space):
    red = np.arange(1, 3000, 2)
    attributes = Attributes((("color", "red"),), np.column_stack([red, np.zeros(1500, int)]))
    colored, way = replace(space, attributes=attributes), parse_way("attributes:numbers=float32")
    codes = CodeIndex(compressed(colored, fit_way(colored, way), way), 3000, "Codes.")
    plan = SearchPlan(space, space.vectors[6], k=10, codes=codes)
    plain = run(plan)
    assert (plain.left, describe_changes(plain)) == (None, "")
    prefers = replace(plan, codes=replace(codes, preferred=(("color", "red"),)))
    found = run(prefers)
    shown = {hit.id for hit in found.hits}
    assert [hit.id for hit in found.left] == [hit.id for hit in plain.hits if hit.id not in shown]
    assert found.left
    assert f"{len(found.left)} of 10 hits" in describe_changes(found)
    assert run(prefers.by_cosine()).hits == plain.hits
    biased = replace(plan, space=space.biased(np.ones(3000, np.float32), "step"), uncorrected=space)
    assert run(biased).left == ()
    assert run(biased.by_cosine()).left is None


@pytest.mark.parametrize("large", [False, True])
def test_ranks_by_cosine_order_ties_as_hits_are_ordered(rng, monkeypatch, large):
    monkeypatch.setattr(two_bit, "PAYS", 1 if large else two_bit.PAYS)
    vectors = unit(rng.normal(size=(3000, 8)))
    vectors[[7, 1200, 2999]] = vectors[7] + np.array([[0], [2e-7], [-2e-7]], np.float32)
    space = Space(unit(vectors), tuple(map(str, range(3000))), 1500)
    plan = SearchPlan(space, space.vectors[7], k=5, rerank=lambda shortlist: shortlist.scores)
    found = run(plan)
    assert [hit.row for hit in found.hits[:3]] == [7, 1200, 2999]
    assert [(hit.rank, hit.plain_rank) for hit in found.hits] == [(i, i) for i in range(1, 6)]
    assert "of the others 0 moved up and 0 moved down" in describe_changes(found)
