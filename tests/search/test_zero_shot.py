"""Labels from prompts: softmax, the Fréchet mean over a tree or texts, how both are judged."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError, TooFew
from core.numerics.stats import wilson
from core.search import zero_shot
from core.search.zero_shot import label_set, rank_labels, score_labels
from core.types.space import Space


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def test_with_equal_distances_the_frechet_mean_is_the_likeliest(rng):
    chances = rng.dirichlet(np.ones(6), 50)
    squares = zero_shot.frechet_scores(chances, 1 - np.eye(6))
    assert (squares.argmin(axis=1) == chances.argmax(axis=1)).all()


def test_a_sure_label_is_its_own_frechet_mean(rng):
    squared = zero_shot.text_distances(unit(rng.normal(size=(5, 8))))
    assert (zero_shot.frechet_scores(np.eye(5), squared).argmin(axis=1) == np.arange(5)).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.1, 10))
def test_the_unit_of_distance_does_not_matter(seed, factor):
    rng = np.random.default_rng(seed)
    chances, squared = rng.dirichlet(np.ones(4), 3), rng.random((7, 4))
    plain, scaled = (zero_shot.frechet_scores(chances, f * squared) for f in (1, factor**2))
    assert (plain.argmin(axis=1) == scaled.argmin(axis=1)).all()


def test_between_unit_texts_the_frechet_mean_is_nearest_to_their_mean(rng):
    texts, chances = unit(rng.normal(size=(6, 16))), rng.dirichlet(np.ones(6), 40)
    squares = zero_shot.frechet_scores(chances, zero_shot.text_distances(texts))
    assert (squares.argmin(axis=1) == (chances @ texts @ texts.T).argmax(axis=1)).all()


def test_two_breeds_make_a_dog():
    nodes = zero_shot.label_tree(["dog > poodle", "dog > beagle", "dog > husky", "car"])
    labels = label_set(nodes, np.eye(4, dtype=np.float32))
    picture = unit(np.array([1.0, 0.99, 0.0, 0.0]))
    answer = rank_labels(labels, picture, k=3, scale=10)
    assert [hit.label for hit in answer.likeliest[:2]] == ["poodle", "beagle"]
    assert answer.frechet[0].label == "dog"
    assert answer.frechet[0].value == pytest.approx(1, abs=0.02)
    assert "the Fréchet mean is 'dog'" in answer.sentence


def test_the_scale_that_made_the_labels_is_found(rng):
    pictures, texts = unit(rng.normal(size=(4000, 8))), unit(rng.normal(size=(5, 8)))
    chances = zero_shot.probabilities(pictures, texts, scale=20)
    truth = (chances.cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    assert zero_shot.fit_scale(pictures, texts, truth) == pytest.approx(20, rel=0.2)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([" ", ""], "no labels"),
        (["a > > b"], "empty name"),
        (["dog", "dog > poodle"], "a label and a group"),
        (["a > x", "b > x"], "two groups"),
        ([str(i) for i in range(5001)], "1 to 5,000"),
    ],
)
def test_odd_labels_get_a_sentence(lines, says):
    with pytest.raises(InputError, match=says):
        zero_shot.label_tree(lines)


def test_lines_are_trimmed_and_counted_once():
    nodes = zero_shot.label_tree(["  a>b ", "a > b", "<b>😀".replace(">", "")])
    assert [nodes.names[i] for i in nodes.leaves] == ["b", "<b😀"]


def labelled_space(rng, *, shuffled=False):
    texts = unit(rng.normal(size=(4, 32)))
    truth = rng.integers(0, 4, 400)
    pictures = unit(texts[truth] + 0.15 * rng.normal(size=(400, 32)))
    names = np.array(["poodle", "beagle", "van", "truck"])
    if shuffled:
        rng.shuffle(truth)
    labels = tuple((name,) for name in names[truth])
    space = Space(pictures, tuple(f"{i:03}" for i in range(400)), 400, labels=labels)
    nodes = zero_shot.label_tree(["dog > poodle", "dog > beagle", "car > van", "car > truck"])
    return space, label_set(nodes, texts)


def test_judged_on_planted_labels_both_rules_are_right(rng):
    found = score_labels(*labelled_space(rng)).scores
    assert found["accuracy"].value > 0.95
    assert found["frechet_squared_distance"].value <= found["squared_distance"].high
    assert found["accuracy"].chance == 0.25
    assert found["squared_distance"].chance == pytest.approx((0 + 4 + 16 + 16) / 4, rel=0.05)


def test_shuffled_labels_are_not_found(rng):
    found = score_labels(*labelled_space(rng, shuffled=True)).scores["accuracy"]
    assert found.low <= 0.25 <= found.high


def test_without_labelled_pictures_there_is_a_sentence(rng):
    space, labels = labelled_space(rng)
    bare = Space(space.vectors, space.ids, 400)
    with pytest.raises(TooFew, match="Zero-shot accuracy needs at least 40 images"):
        score_labels(bare, labels)


def test_more_labels_than_two_thousand_are_all_evaluated():
    names = [f"{i:04}" for i in range(2100)]
    texts = unit(np.random.default_rng(0).normal(size=(2100, 16)))
    owner = np.repeat(np.arange(2100), 2)
    ids = tuple(f"{i:04}" for i in range(4200))
    space = Space(texts[owner], ids, 4200, labels=tuple((names[i],) for i in owner))
    found = score_labels(space, label_set(zero_shot.flat_labels(names), texts))
    assert found.scores["accuracy"].n_queries == 2100
    assert found.sentence.startswith("Evaluated on 2,100 images, half of those of 2,100 labels")
    assert "not evaluated" not in found.sentence


def test_labels_that_cannot_be_evaluated_are_counted(rng):
    space, _ = labelled_space(rng)
    single = (*space.labels[:-2], ("bus",), ("dog", "van"))
    space = Space(space.vectors, space.ids, 400, labels=single)
    names = ["poodle", "beagle", "van", "truck", "bus", "ship"]
    labels = label_set(zero_shot.flat_labels(names), unit(rng.normal(size=(6, 32))))
    sentence = score_labels(space, labels).sentence
    assert "half of those of 4 labels, by their only label" in sentence
    assert sentence.endswith("2 labels are not evaluated: fewer than two images have them.")


def test_labels_of_one_image_each_are_said_to_be_too_few(rng):
    names = [f"{i:02}" for i in range(60)]
    texts = unit(rng.normal(size=(60, 8)))
    space = Space(texts, tuple(names), 60, labels=tuple((name,) for name in names))
    with pytest.raises(TooFew, match="40 images that share one of the labels; there are none"):
        score_labels(space, label_set(zero_shot.flat_labels(names), texts))


def test_all_right_on_few_images_is_not_certain():
    texts, owner = np.eye(2, dtype=np.float32), np.arange(80) % 2
    ids = tuple(f"{i:02}" for i in range(80))
    space = Space(texts[owner], ids, 80, labels=tuple(("ab"[i],) for i in owner))
    found = score_labels(space, label_set(zero_shot.flat_labels("ab"), texts)).scores
    assert found["accuracy"].value == found["accuracy"].high == 1
    assert found["accuracy"].low == pytest.approx(wilson(40, 40)[0])
    assert found["squared_distance"].low == 0
    assert found["squared_distance"].high == pytest.approx(2 * wilson(0, 40)[1])


def test_a_single_label_is_at_no_distance():
    text = np.eye(2, dtype=np.float32)[:1]
    ids = tuple(f"{i:02}" for i in range(80))
    space = Space(np.repeat(text, 80, axis=0), ids, 80, labels=(("a",),) * 80)
    found = score_labels(space, label_set(zero_shot.flat_labels("a"), text)).scores
    assert found["squared_distance"].value == found["squared_distance"].chance == 0
    assert found["accuracy"].value == found["accuracy"].chance == 1


def test_an_interval_over_many_images_needs_no_array_of_resamples(rng):
    texts, owner = np.eye(2, dtype=np.float32), np.arange(20_000) % 2
    rows = unit(texts[owner] + rng.normal(size=(20_000, 2)))
    ids = tuple(f"{i:05}" for i in range(20_000))
    space = Space(rows, ids, 20_000, labels=tuple(("ab"[i],) for i in owner))
    labels = label_set(zero_shot.flat_labels("ab"), texts)
    tracemalloc.start()
    score = score_labels(space, labels).scores["accuracy"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert score.low < score.value < score.high
    assert peak < 30e6


def test_flat_labels_keep_their_signs():
    nodes = zero_shot.flat_labels(["<i>a</i>", "b > c", "b > c"])
    assert nodes.names == ("", "<i>a</i>", "b > c")
    assert nodes.squared.tolist() == zero_shot.label_tree(["x", "y"]).squared.tolist()
    with pytest.raises(InputError):
        zero_shot.flat_labels([])
