"""Pairs against their competitors: margins and hardness."""

import numpy as np
import pytest

from core.errors import TooFew
from core.measure.findings import share
from core.measure.pair_check import check_pairs
from core.measure.pair_ranks import pair_ranks
from core.measure.retrieval import evaluate
from core.types.space import Space
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space

# Rivals and margins


def many_captions(images=60, each=3, d=12, noise=0.6, seed=0):
    x = directions(images, d, seed)
    y = np.repeat(x, each, axis=0) + noise * directions(images * each, d, seed + 1)
    return space(x, y, np.column_stack([np.arange(len(y)) // each, images + np.arange(len(y))]))


def test_margins_are_those_of_the_full_matrix():
    given = many_captions()
    x, y = given.images.astype(np.float64), given.texts.astype(np.float64)
    squared = ((y[:, None] - x[None]) ** 2).sum(axis=2)
    mine = np.zeros(squared.shape, bool)
    mine[given.pairs[:, 1] - 60, given.pairs[:, 0]] = True
    margins = np.where(mine, np.inf, squared).min(axis=1) - squared[mine]
    found = find("pair_margin", given)
    assert found.value == pytest.approx(margins.mean(), abs=1e-6)
    np.testing.assert_allclose(found.per_item[60:], margins, atol=1e-5)
    np.testing.assert_allclose(found.per_item[:60], margins.reshape(60, 3).mean(axis=1), atol=1e-5)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_the_share_of_positive_margins_is_recall_at_one(noise):
    given = many_captions(noise=noise)
    found = find("pair_margin", given)
    recall = evaluate(given).text_to_image.scores["recall@1"].value
    assert (found.per_item[60:] > 0).mean() == pytest.approx(recall, abs=1e-12)
    assert f"first for {share(recall)} of the texts" in found.sentence
    ranks = evaluate(given).text_to_image.first_ranks
    np.testing.assert_array_equal(pair_ranks(given).rank, ranks)


def test_a_score_bias_counts_in_the_margin_as_in_search():
    plain = many_captions(noise=1.0)
    bias = np.linspace(0, 0.5, plain.n).astype(np.float32)
    given = Space(plain.vectors, plain.ids, plain.n_images, plain.pairs, offset=bias)
    recall = evaluate(given).text_to_image.scores["recall@1"].value
    found = find("pair_margin", given)
    assert (found.per_item[60:] > 0).mean() == pytest.approx(recall)
    assert found.value != pytest.approx(value("pair_margin", plain), abs=1e-3)


def test_a_text_of_two_images_keeps_the_nearer_one():
    given = space(np.eye(3), [[0.8, 0.6, 0.0], [0.0, 0.0, 1.0]], [[0, 3], [1, 3], [2, 4]])
    found = pair_ranks(given)
    assert found.own.tolist() == [0, 2]
    assert found.rival.tolist() == [2, 0]
    assert find("pair_margin", given).value == pytest.approx((1.6 + 2) / 2)


def misplace(given, share, seed=0):
    """The space with a share of its captions moved among themselves, and which texts those are."""
    pairs = given.pairs.copy()
    some = np.random.default_rng(seed).choice(len(pairs), round(share * len(pairs)), replace=False)
    pairs[some, 0] = np.roll(pairs[some, 0], 1)
    return space(given.images, given.texts, pairs), pairs[some, 1]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("agreement", [0.65, 0.8])
def test_where_every_pair_is_right_no_caption_is_called_misplaced(agreement, seed):
    """2,000 pairs; the images of half of them, or of nearly all, rank first."""
    given = spaces.paired(n=2000, agreement=agreement, seed=seed)
    found = check_pairs(given, pair_ranks(given))
    assert found.judges
    assert found.flagged.sum() == found.share == 0
    assert find("pair_margin", given).verdict == "good"
    assert "No caption stands out" in find("pair_margin", given).sentence


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("agreement", [0.65, 0.8])
def test_planted_swaps_are_found_with_few_false_ones(agreement, share):
    precision, recall, estimated = [], [], []
    for seed in range(3):
        given, moved = misplace(spaces.paired(n=2000, agreement=agreement, seed=seed), share, seed)
        ranked = pair_ranks(given)
        found = check_pairs(given, ranked)
        flagged = ranked.texts[found.flagged]
        precision.append(np.isin(flagged, moved).mean() if len(flagged) else 1.0)
        recall.append(np.isin(moved, flagged).mean())
        estimated.append(found.share)
    assert np.mean(precision) >= 0.7
    assert np.mean(recall) >= (0.6 if share >= 0.05 else 0.2)
    assert np.mean(estimated) == pytest.approx(share, rel=0.5 if share < 0.05 else 0.15)


def test_the_verdict_is_on_the_share_of_misplaced_captions():
    good = spaces.paired(n=400, d=32)
    bad, moved = misplace(good, 0.1)
    before, after = find("pair_margin", good), find("pair_margin", bad)
    assert (before.verdict, after.verdict) == ("good", "bad")
    assert after.value < before.value
    assert set(400 + np.argsort(after.per_item[400:])[:36]) <= set(moved)


def test_an_encoder_that_does_not_separate_swapped_pairs_judges_no_caption():
    given = spaces.shuffled(n=500)
    found = check_pairs(given, pair_ranks(given))
    assert found.low < 0.5 < found.high
    assert (found.judges, found.flagged.any()) == (False, False)
    margin = find("pair_margin", given)
    assert margin.value == pytest.approx(margin.reference.value, abs=0.02)
    assert margin.verdict == "unknown"
    assert "cannot judge these captions" in margin.sentence
    assert find("pair_margin", spaces.paired(n=99)).verdict == "unknown"  # too few


@pytest.mark.slow
def test_the_interval_of_the_auc_covers():
    found = []
    for seed in range(100):
        given = spaces.paired(n=200, d=16, agreement=0.3, seed=seed)
        found.append(check_pairs(given, pair_ranks(given)))
    middle = np.mean([f.auc for f in found])
    assert sum(f.low <= middle <= f.high for f in found) >= 90


# Recall


def test_recall_is_that_of_an_evaluation():
    given = many_captions(noise=1.0)
    found = find("pair_recall", given)
    score = evaluate(given).text_to_image.scores["recall@10"]
    assert (found.value, found.low, found.high) == (score.value, score.low, score.high)
    assert found.reference.value == score.chance
    np.testing.assert_array_equal(found.per_item[60:], evaluate(given).text_to_image.first_ranks)
    assert found.sampled == "exact, all 180 of 180 texts, among all 60 images"


@pytest.mark.parametrize(
    ("given", "verdict", "meaning"),
    [
        (spaces.paired(n=400), "good", "works"),
        (spaces.paired(n=400, agreement=0.35), "watch", "misses more than it should"),
        (spaces.shuffled(n=400), "bad", "not significantly better than guessing"),
    ],
)
def test_recall_is_judged_by_what_an_encoder_of_its_kind_reaches(given, verdict, meaning):
    found = find("pair_recall", given)
    assert found.verdict == verdict
    assert meaning in found.sentence


@pytest.mark.parametrize("n", [2, 8, 12])
def test_too_few_images_cannot_tell_search_from_guessing(n):
    found = find("pair_recall", spaces.paired(n=n, agreement=0.99))
    assert found.value == 1
    assert found.sentence.endswith("Too few images to tell search by text from guessing.")


def test_a_recall_that_may_be_better_than_guessing_is_not_called_guessing():
    found = find("pair_recall", spaces.paired(n=24, d=16, agreement=0.2, seed=2))
    assert found.low < found.reference.value < found.value
    assert "not significantly better than guessing" in found.sentence


def test_recall_is_of_held_out_pairs_where_there_are_any():
    given = spaces.paired(n=300, agreement=0.5)
    held_out = np.arange(600) % 300 < 120
    tested = Space(given.vectors, given.ids, 300, given.pairs, held_out=held_out)
    found = find("pair_recall", tested)
    known = evaluate(given, judged=held_out).text_to_image.scores["recall@10"]
    assert found.value == known.value
    assert "all 120 of 120 texts that are held out" in found.sampled
    none = Space(given.vectors, given.ids, 300, given.pairs, held_out=np.zeros(600, bool))
    with pytest.raises(TooFew, match="held out; there are none"):
        find("pair_recall", none)


def test_a_sample_of_queries_covers_the_value_of_all():
    covered = 0
    for seed in range(40):
        given = spaces.paired(n=600, d=16, agreement=0.6, seed=seed)
        whole, part = find("pair_recall", given), find("pair_recall", given, queries=100)
        assert part.sampled == "random 100 of 600 texts, among all 600 images"
        covered += part.low <= whole.value <= part.high
    assert covered >= 36


# Hardness


def direct_hardness(given):
    x, y = (given.vectors[given.pairs[:, side]].astype(np.float64) for side in (0, 1))
    middle = (x + y) / np.linalg.norm(x + y, axis=1, keepdims=True)
    same = given.pairs[:, :1] == given.pairs[:, 0]
    own = (x * y).sum(axis=1)
    return [np.where(same, -np.inf, a @ middle.T).max(axis=1) - own for a in (x, y)]


def test_hardness_is_that_of_the_full_matrix():
    given = many_captions()
    of_image, of_text = direct_hardness(given)
    found = find("pair_hardness", given)
    assert found.value == pytest.approx((of_image + of_text).mean() / 2, abs=1e-6)
    np.testing.assert_allclose(found.per_item[60:], of_text, atol=1e-5)
    np.testing.assert_allclose(found.per_item[:60], of_image.reshape(60, 3).mean(axis=1), atol=1e-5)


def test_hardness_of_right_angles():
    given = space(np.eye(4), np.eye(4), spaces.diagonal(4))
    assert value("pair_hardness", given) == pytest.approx(-1.0)  # 0 with others, 1 with its own
    apart = space(np.eye(4)[:2], np.eye(4)[2:], spaces.diagonal(2))
    assert value("pair_hardness", apart) == pytest.approx(0.0, abs=1e-7)


def test_unrelated_pairs_are_harder_and_called_bad():
    good, bad = find("pair_hardness", spaces.paired()), find("pair_hardness", spaces.shuffled())
    assert good.verdict == "good"
    assert bad.verdict == "bad"
    assert good.value < bad.value
    assert bad.value == pytest.approx(bad.reference.value, abs=0.05)


def test_pairs_of_opposite_points_are_left_out_and_counted():
    x = directions(20, 8)
    y = x + 0.3 * directions(20, 8, 1)
    y[3] = -x[3]
    found = find("pair_hardness", space(x, y, spaces.diagonal(20)))
    assert "1 pair of opposite points was not mixed" in found.detail
    assert np.isnan(found.per_item[3])
    assert np.isfinite(found.per_item).sum() == 38


# Samples and edges


@pytest.mark.parametrize("name", ["pair_margin", "pair_hardness"])
def test_a_sample_covers_the_exact_value(name):
    covered = 0
    for seed in range(100):
        given = spaces.paired(n=300, d=6, agreement=0.9, seed=seed)
        found = find(name, given, queries=100)
        covered += found.low <= value(name, given) <= found.high
        assert found.sampled.startswith("random 100")
    assert covered >= 90


@pytest.mark.parametrize("name", ["pair_margin", "pair_hardness"])
def test_no_pairs_and_no_rivals_give_sentences(name):
    with pytest.raises(TooFew, match=r"there are none\. Add images and their captions."):
        find(name, space(directions(5, 4), directions(5, 4, 1)))
    lone = space(directions(1, 4), directions(5, 4, 1), [[0, i] for i in range(1, 6)])
    with pytest.raises(TooFew, match="there are none"):
        find(name, lone)
