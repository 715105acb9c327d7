"""Pairs against their competitors: margins and hardness."""

import numpy as np
import pytest

from core.errors import TooFew
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
    assert f"first for {100 * recall:.3g}% of the texts" in found.sentence
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


def test_shuffled_captions_are_counted_as_belonging_elsewhere():
    good = spaces.paired(n=400, d=32)
    texts = good.texts.copy()
    texts[:40] = np.roll(texts[:40], 1, axis=0)
    bad = space(good.images, texts, good.pairs)
    before, after = find("pair_margin", good), find("pair_margin", bad)
    assert before.verdict == "good"
    assert before.detail.startswith("0 of 400 captions")
    assert after.verdict == "bad"
    assert after.value < before.value
    assert any(f"{count} of 400 captions" in after.detail for count in range(33, 43))
    assert set(np.argsort(after.per_item[400:])[:38]) <= set(range(40))


def test_shuffled_pairs_reach_the_reference():
    found = find("pair_margin", spaces.shuffled(n=500))
    assert found.value == pytest.approx(found.reference.value, abs=0.02)
    assert found.verdict == "bad"


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
    assert "1 pairs of opposite points were not mixed" in found.detail
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
