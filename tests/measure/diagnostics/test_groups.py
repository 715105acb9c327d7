"""Groups side by side: recall by label, shapes, and the directions that part two labels."""

import numpy as np
import pytest
from scipy.linalg import subspace_angles

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from core.numerics.labels import classes, member_matrix
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space

# Recall by label


def served(rates, n=100, d=64, seed=0):
    """n captions a label; this share of them finds its image first, the others do not."""
    count = len(rates)
    x = directions(count * n, d, seed)
    y = x.copy()
    rng = np.random.default_rng(seed)
    for i, rate in enumerate(rates):
        lost = i * n + rng.choice(n, round(n * (1 - rate)), replace=False)
        y[lost] = -x[lost]
    given = space(x, y, spaces.diagonal(count * n))
    return spaces.with_labels(given, [f"label {i}" for i in np.repeat(np.arange(count), n)])


def test_recall_by_label_is_what_was_planted():
    found = find("subgroup_recall", served([0.9, 0.7, 0.5]), k=1)
    assert found.value == pytest.approx(np.std([0.9, 0.7, 0.5]), abs=1e-6)
    np.testing.assert_allclose(found.curve.y, [0.5, 0.7, 0.9])
    np.testing.assert_allclose(found.per_item[[0, 150, 299]], [0.9, 0.7, 0.5], atol=1e-6)
    assert "The lowest recall is that of 'label 2'" in found.sentence
    assert "Recall of 'label 2' is 50% (40 to 60%)" in found.detail
    assert "of 'label 0', the highest, 90%" in found.detail
    assert found.verdict == "bad"
    nist = value("subgroup_recall", served([0.9, 0.7, 0.5]), k=1, ddof_style="nist")
    assert nist == pytest.approx(found.value * np.sqrt(3 / 2))


def test_equal_recall_of_labels_drawn_by_lot_is_neither_good_nor_bad():
    rng = np.random.default_rng(0)
    given = served([0.6], n=1000)
    dealt = spaces.with_labels(given, rng.permutation(np.repeat([f"g{i}" for i in range(40)], 25)))
    found = find("subgroup_recall", dealt, k=1)
    assert found.value == pytest.approx(found.reference.value, abs=0.03)
    assert found.low == 0.0
    assert found.verdict == "unknown"


def test_small_groups_are_other_and_several_labels_count_each():
    x = directions(80, 32)
    labels = [("a",)] * 30 + [("a", "b")] * 30 + [(f"rare {i}",) for i in range(20)]
    given = space(x, x, spaces.diagonal(80), labels=labels + [()] * 80)
    found = find("subgroup_recall", given)
    assert "3 labels" in found.sentence  # a, b and other
    assert len(found.curve.x) == 3
    names, place, label = member_matrix(given, np.array([0, 40, 79]))
    assert [(p, names[i]) for p, i in zip(place, label, strict=True)] == [
        (0, "a"),
        (1, "a"),
        (1, "b"),
        (2, "rare 19"),
    ]


def test_captions_of_one_picture_are_no_crowd():
    """Five captions that succeed or fail together: the noise floor knows it."""
    single = served([0.6, 0.6], n=60)
    n = single.n_images
    x, y = single.images, np.repeat(single.texts, 5, axis=0)
    pairs = np.column_stack([np.repeat(np.arange(n), 5), n + np.arange(5 * n)])
    labels = [*single.labels[:n], *[()] * (5 * n)]
    crowd = space(x, y, pairs, labels=labels)
    alone, many = (find("subgroup_recall", g, k=1) for g in (single, crowd))
    assert many.reference.value == pytest.approx(alone.reference.value, rel=0.1)


@pytest.mark.slow
def test_a_sampled_interval_covers_the_deviation_of_all_captions():
    given = served([0.9, 0.7, 0.5], n=400)
    exact = value("subgroup_recall", given, k=1)
    covered = 0
    for seed in range(100):
        turned = spaces.reordered(given, seed)  # another order, another sample
        found = find("subgroup_recall", turned, k=1, queries=200)
        covered += found.low <= exact <= found.high
    assert covered >= 90


# Shapes


def shaped(seed=0, n=400, d=12, agreement=0.9):
    """Images and texts that vary along the same directions, one more than the next."""
    rng = np.random.default_rng(seed)
    lengths = 0.7 ** np.arange(d)
    x = rng.standard_normal((n, d)) * lengths
    noise = rng.standard_normal((n, d)) * lengths
    y = agreement * x + np.sqrt(1 - agreement**2) * noise
    lift = 3 * np.eye(d)[-1]
    return space(x + lift, y - lift, spaces.diagonal(n))


def test_shape_similarity_agrees_with_principal_angles():
    given = spaces.labelled(shaped(), 4)
    x, y = given.images.astype(np.float64), given.texts.astype(np.float64)
    bases = [np.linalg.svd(r - r.mean(axis=0))[2][:5].T for r in (x, y)]
    direct = np.abs((bases[0] * bases[1]).sum(axis=0)).mean()
    found = find("shape_similarity", given, "joint")
    assert found.value == pytest.approx(direct, abs=1e-4)
    assert found.verdict == "good"
    angles = np.mean(np.cos(subspace_angles(*bases)) ** 2)
    assert f"overlap by {100 * angles:.1f}%" in found.detail


def test_shapes_at_right_angles_are_bad():
    x = np.concatenate([directions(200, 6) * 0.6 ** np.arange(6), np.zeros((200, 6))], axis=1)
    lift = 2 * np.eye(13)[12]
    wide = np.concatenate([x, np.zeros((200, 1))], axis=1)
    turned = np.concatenate([np.roll(x, 6, axis=1), np.zeros((200, 1))], axis=1)
    found = find("shape_similarity", space(wide + lift, turned + lift), "joint")
    assert found.verdict == "bad"
    assert found.value < 0.2 < 0.9 < found.reference.value


def test_most_and_least_similar_labels_are_named():
    n, d = 150, 16
    flat, other = np.zeros((n, d)), np.zeros((n, d))
    flat[:, :6] = directions(n, 6) * 0.6 ** np.arange(6)
    other[:, 6:12] = directions(n, 6, 1) * 0.6 ** np.arange(6)
    rows = np.concatenate([flat, flat[::-1], other]) + 2 * np.eye(d)[15]
    given = spaces.with_labels(space(rows), ["a"] * n + ["b"] * n + ["c"] * n)
    found = find("shape_similarity", given, "image")
    assert "Most similar: 'a' and 'b' (1.00)" in found.detail
    assert "and 'c' (0.00). The subspaces" in found.detail
    assert found.curve.y.sum() == 3


def test_shape_similarity_interval_has_the_right_width():
    drawn = [find("shape_similarity", shaped(seed), "joint", p=2) for seed in range(60)]
    stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
    # The interval is cut at 1, and holds the bias of a resample as well as its spread.
    assert 0.6 < stated / np.std([f.value for f in drawn], ddof=1) < 2


def of_random_shapes(count, n=30, d=16, seed=0):
    """Labels whose shapes are drawn independently of each other."""
    rng = np.random.default_rng(seed)
    rows = [rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) for _ in range(count)]
    names = [f"label {i}" for i in np.repeat(np.arange(count), n)]
    return spaces.with_labels(space(np.concatenate(rows)), names)


@pytest.mark.parametrize("count", [2, 3])
def test_too_few_labels_give_no_interval_of_their_similarity(count):
    found = find("shape_similarity", of_random_shapes(count, n=60), "image")
    assert not found.has_interval


def test_the_interval_over_four_labels_covers_the_mean_of_other_labels():
    found = [find("shape_similarity", of_random_shapes(4, seed=s), "image") for s in range(150)]
    truth = np.mean([f.value for f in found])
    assert np.mean([f.low <= truth <= f.high for f in found]) >= 0.95


# Class subspaces


def twins(n=200, d=64, apart=0.15, seed=0):
    """Three classes; the first two differ along one weak direction only, amid strong ones."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3 * n, d)) * 0.5 / np.sqrt(d)
    x[:, :8] += 0.6 * rng.standard_normal((3 * n, 8))
    x[:, 40] += apart * np.repeat([1, -1, 0], n)
    x[:, 41] += np.repeat([1, 1, -1], n)
    return spaces.with_labels(space(x), np.repeat(["seal", "sea lion", "tram"], n))


def test_a_gate_tells_confused_labels_apart_better_than_plain_cosine():
    given = twins()
    found = find("class_subspaces", given, directions=1)
    assert "'sea lion' and 'seal' are the most confused" in found.detail
    assert found.value > found.reference.value + 0.05
    assert found.low < found.value < found.high
    assert found.value > 0.85
    everything = find("class_subspaces", given, directions=64)
    assert everything.value == pytest.approx(everything.reference.value)


def test_what_two_labels_share_finds_both_among_the_rest():
    found = find("class_subspaces", twins(), task="alike", directions=2)
    assert found.value > 0.99
    assert "among the rest" in found.sentence


def test_two_names_for_one_class_cannot_be_told_apart():
    rng = np.random.default_rng(0)
    given = spaces.clustered(directions(3, 32), 120, 0.5)
    names = [labels[0] for labels in given.labels[:360]]
    split = np.where(rng.random(360) < 0.5, "sofa", "couch")
    same = [s if name == "label 01" else name for name, s in zip(names, split, strict=True)]
    found = find("class_subspaces", spaces.with_labels(given, same), "image")
    assert "'couch' and 'sofa' are the most confused" in found.detail
    assert found.verdict == "bad"
    assert found.low < 0.5 < found.high
    assert find("class_subspaces", given, "image").verdict == "good"


# Edges


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("subgroup_recall", spaces.ball(), "2 groups of 20 or more captions .* there are none"),
        ("subgroup_recall", space(np.eye(4)), "captions of labeled images; there are none"),
        ("shape_similarity", space(np.eye(4)), "needs at least 3 texts; there are none"),
        ("shape_similarity", spaces.same(), "kinds of items that vary"),
        ("class_subspaces", spaces.ball(), "2 labels with 20 .* Add a column 'label'"),
    ],
)
def test_edges_give_sentences(name, given, sentence):
    with pytest.raises(TooFew, match=sentence):
        DIAGNOSTICS.get(name)(given)


def test_labels_that_share_one_vector_are_at_chance():
    given = spaces.with_labels(spaces.same(60), ["a", "b"] * 30)
    found = find("class_subspaces", given, "image")
    assert len(classes(given, "image", least=20).names) == 2
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)
    assert found.sentence == (
        "The AUC of separating 'a' from 'b' is 0.500 on held-out images, against 0.500 for plain "
        "cosine. The two labels differ in no direction."
    )
    assert "0 of 8 directions" in found.detail


def test_alike_takes_a_third_label():
    given = spaces.with_labels(spaces.paired(n=120), ["a", "b"] * 60)
    with pytest.raises(TooFew, match=r"needs at least 3 labels .* there are 2"):
        find("class_subspaces", given, "image", task="alike")


def test_a_kind_with_too_few_labels_leaves_the_other_measured():
    names = [*["a", "b", "c"] * 40, *["a", "b"] * 60]  # of images, of texts
    given = spaces.with_labels(spaces.paired(n=120), names)
    found = find("class_subspaces", given, task="alike")
    assert found.scope == "image"
    assert "among the rest" in found.sentence
