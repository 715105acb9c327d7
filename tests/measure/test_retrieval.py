"""Recall against answers worked by hand."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from core.errors import TooFew
from core.measure.retrieval import evaluate, gained, hardest
from core.numerics.stats import wilson
from core.types.space import Space
from tests.fixtures import spaces


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def paired(images, texts, pairs=None):
    n = len(images)
    pairs = np.stack([np.arange(n), n + np.arange(n)], axis=1) if pairs is None else pairs
    vectors = np.concatenate([images, texts])
    return Space(vectors, tuple(map(str, range(len(vectors)))), n, pairs=np.asarray(pairs))


def test_perfect_pairs_are_found_first(rng):
    x = unit(rng.normal(size=(50, 16)))
    result = evaluate(paired(x, x))
    for direction in (result.text_to_image, result.image_to_text):
        assert direction.scores["recall@1"].value == 1.0
        assert direction.scores["median_rank"].value == 1.0
        assert direction.scores["mAP"].value == 1.0
        assert direction.scores["recall@1"].chance == pytest.approx(1 / 50)


def test_ranks_worked_by_hand():
    # Texts see the images in the order of their angle; truth is 2nd for the second text.
    angles = np.deg2rad([0, 10, 90, 170])
    images = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    asked = np.deg2rad([0, 3, 90, 170])
    texts = np.stack([np.cos(asked), np.sin(asked)], axis=1).astype(np.float32)
    direction = evaluate(paired(images, texts)).text_to_image
    assert direction.first_ranks.tolist() == [1, 2, 1, 1]
    assert direction.scores["recall@1"].value == 0.75
    assert direction.scores["mAP"].value == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_average_precision_with_two_captions():
    image = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    texts = unit(np.array([[1, 0.0, 0], [0.6, 0.8, 0], [0, 0, 1], [0, 1, 0]]))
    # Image 0 sees texts in the order 0, 1, then 2 and 3 tied by row; its own are 0 and 3.
    space = paired(image, texts, [[0, 2], [0, 5], [1, 3]])
    direction = evaluate(space).image_to_text
    assert direction.first_ranks.tolist() == [1, 2]
    assert direction.scores["mAP"].value == pytest.approx(((1 / 1 + 2 / 4) / 2 + 1 / 2) / 2)


def test_average_precision_is_that_of_scikit_learn(rng):
    images, texts = unit(rng.normal(size=(40, 6))), unit(rng.normal(size=(120, 6)))
    pairs = np.unique(
        np.column_stack([rng.integers(0, 40, 150), 40 + rng.integers(0, 120, 150)]), axis=0
    )
    given = paired(images, texts, pairs)
    relevant = np.zeros((40, 120), bool)
    relevant[pairs[:, 0], pairs[:, 1] - 40] = True
    cosines = images.astype(np.float64) @ texts.T
    found = evaluate(given)
    for direction, truth, scores in (
        (found.image_to_text, relevant, cosines),
        (found.text_to_image, relevant.T, cosines.T),
    ):
        some = truth.any(axis=1)
        known = [
            average_precision_score(t, s) for t, s in zip(truth[some], scores[some], strict=True)
        ]
        assert direction.scores["mAP"].value == pytest.approx(np.mean(known), abs=1e-9)


def test_random_vectors_stay_at_chance(rng):
    space = paired(unit(rng.normal(size=(400, 32))), unit(rng.normal(size=(400, 32))))
    scores = evaluate(space).text_to_image.scores
    assert scores["recall@10"].chance == pytest.approx(10 / 400)
    assert scores["median_rank"].chance == 200
    assert scores["mAP"].chance == pytest.approx((1 / np.arange(1, 401)).sum() / 400)
    for score in scores.values():
        assert score.low <= score.chance <= score.high


@pytest.mark.parametrize("each", [1, 2, 3])
def test_chance_is_that_of_random_orders(rng, each):
    """All true items against shuffled candidates, by simulation and in closed form."""
    images, texts = unit(rng.normal(size=(6, 3))), unit(rng.normal(size=(6 * each, 3)))
    pairs = np.column_stack([np.arange(6 * each) // each, 6 + np.arange(6 * each)])
    scores = evaluate(paired(images, texts, pairs)).image_to_text.scores
    n = 6 * each
    placed = np.sort(rng.permuted(np.tile(np.arange(1, n + 1), (20_000, 1)), axis=1)[:, :each])
    precision = (np.arange(1, each + 1) / placed).mean()
    assert scores["mAP"].chance == pytest.approx(precision, rel=0.02)
    assert scores["recall@5"].chance == pytest.approx((placed[:, 0] <= 5).mean(), abs=0.015)
    assert scores["median_rank"].chance == np.median(placed[:, 0])


def test_ties_of_captions_are_ordered_by_row_whatever_their_rounding(rng):
    """Copies with scores that differ in the last digits: the true one is the third of three."""
    image = unit(rng.normal(size=(5, 512)))
    texts = np.concatenate([image, image[:1], image[:1]])
    space = paired(image, texts, [[0, 11], *([i, 5 + i] for i in range(1, 5))])
    offset = np.zeros(12, np.float32)
    offset[[5, 10]] = 4e-7
    space = Space(space.vectors, space.ids, 5, space.pairs, offset=offset)
    assert evaluate(space).image_to_text.first_ranks.tolist() == [3, 1, 1, 1, 1]


@pytest.mark.parametrize("n", [24, 300])
def test_where_every_query_succeeds_the_interval_has_room_for_failures(rng, n):
    x = unit(rng.normal(size=(n, 32)))
    space = paired(x, np.repeat(x, 5, axis=0), [[i // 5, n + i] for i in range(5 * n)])
    recall = evaluate(space).text_to_image.scores["recall@1"]
    assert recall.value == recall.high == 1.0
    # The captions of an image fail together here: n draws, not 5 n.
    assert recall.low == pytest.approx(wilson(n, n)[0])


def drawn(n, each, noise, seed, d=24):
    """Images from one population with captions whose errors are in part the same."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, d)) / np.sqrt(d)
    both, own = rng.normal(size=(n, d)), rng.normal(size=(n * each, d))
    texts = np.repeat(images + noise * both / np.sqrt(d), each, axis=0) + noise * own / np.sqrt(d)
    pairs = [[i // each, n + i] for i in range(n * each)]
    return paired(unit(images), unit(texts), pairs)


@pytest.mark.parametrize(
    ("n", "each", "noise"),
    [
        (24, 5, 0.3),
        (24, 5, 0.9),
        (100, 1, 0.9),
        pytest.param(159, 5, 1.2, marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_other_queries_and_candidates(n, each, noise):
    """Both are drawn anew; stated 95%, and not much wider than they have to be."""
    found = [evaluate(drawn(n, each, noise, seed)) for seed in range(100)]
    for direction in ("text_to_image", "image_to_text"):
        for metric in ("recall@1", "recall@5", "recall@10", "mAP"):
            scores = [getattr(f, direction).scores[metric] for f in found]
            mean = np.mean([s.value for s in scores])
            assert sum(s.low <= mean <= s.high for s in scores) >= 90, (direction, metric)
            true = 1.96 * np.std([s.value for s in scores])
            stated = np.mean([s.high - s.low for s in scores]) / 2
            assert not 0.2 < mean < 0.8 or stated < 1.5 * true, (direction, metric)


def test_captions_of_one_image_widen_the_interval(rng):
    images = unit(rng.normal(size=(60, 8)))
    noisy = unit(images + 0.5 * rng.normal(size=(60, 8)))
    five = np.repeat(noisy, 5, axis=0)
    pairs = np.stack([np.repeat(np.arange(60), 5), 60 + np.arange(300)], axis=1)
    once = evaluate(paired(images, noisy)).text_to_image.scores["recall@1"]
    copies = evaluate(paired(images, five, pairs)).text_to_image.scores["recall@1"]
    assert copies.high - copies.low >= 0.8 * (once.high - once.low)


def test_without_pairs_it_says_what_is_missing(rng):
    space = paired(unit(rng.normal(size=(3, 4))), unit(rng.normal(size=(3, 4))), [[0, 3]])
    with pytest.raises(TooFew, match=r"needs at least 2 pairs .* there is 1\. Add captions"):
        evaluate(space)


def test_a_gain_is_paired():
    """Every query gets better by the same trick, so that the interval lies far above 0."""
    space = spaces.paired(n=200, d=16, agreement=0.6)
    offset = np.zeros(space.n, np.float32)
    before = evaluate(space).text_to_image
    assert gained(before, before) == (0.0, 0.0, 0.0)
    offset[:100] = 2.0
    hidden = Space(space.vectors, space.ids, 200, space.pairs, offset=offset)
    value, low, high = gained(evaluate(hidden).text_to_image, before)
    after = evaluate(hidden).text_to_image.scores["recall@1"].value
    assert value == pytest.approx(after - before.scores["recall@1"].value)
    assert low < value < high
    both = (evaluate(hidden).text_to_image.first_ranks <= 1) * 1.0 - (before.first_ranks <= 1)
    assert high - low == pytest.approx(2 * 1.96 * both.std() / np.sqrt(200), rel=0.2)


def test_the_hardest_queries_come_worst_first():
    direction = type("D", (), {"queries": np.array([7, 8, 9]), "first_ranks": np.array([2, 9, 1])})
    assert hardest(direction, 2) == [(8, 9), (7, 2)]
