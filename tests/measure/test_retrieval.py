"""Recall against answers worked by hand."""

import numpy as np
import pytest

from core.errors import TooFew
from core.measure.retrieval import evaluate, gained, hardest
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


def test_random_vectors_stay_at_chance(rng):
    space = paired(unit(rng.normal(size=(400, 32))), unit(rng.normal(size=(400, 32))))
    score = evaluate(space).text_to_image.scores["recall@10"]
    assert score.chance == pytest.approx(10 / 400)
    assert score.low <= score.chance <= score.high


def test_the_interval_covers_the_population_value(rng):
    covered = 0
    for _ in range(60):
        images = unit(rng.normal(size=(300, 12)))
        texts = unit(images + 0.55 * rng.normal(size=(300, 12)))
        space = paired(images, texts)
        half = np.zeros(600, bool)
        half[rng.choice(300, 100, replace=False)] = True
        half[300:] = half[:300]
        whole = evaluate(space).text_to_image.scores["recall@1"].value
        part = evaluate(space, judged=half).text_to_image.scores["recall@1"]
        covered += part.low <= whole <= part.high
    assert covered >= 54


def test_captions_of_one_picture_widen_the_interval(rng):
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
    assert high - low == pytest.approx(2 * 1.96 * both.std() / np.sqrt(200), rel=0.15)


def test_the_hardest_queries_come_worst_first():
    direction = type("D", (), {"queries": np.array([7, 8, 9]), "first_ranks": np.array([2, 9, 1])})
    assert hardest(direction, 2) == [(8, 9), (7, 2)]
