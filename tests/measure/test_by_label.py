"""Labels alone: chance in closed form, planted confusions, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, top_k_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from core.errors import TooFew
from core.measure.by_label import classify, images_of_label
from core.types import Space


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def labeled(rng, classes=6, each=20, noise=0.6, d=16):
    centers = unit(np.random.default_rng(7).normal(size=(classes, d)))
    truth = np.repeat(np.arange(classes), each)
    rows = unit(centers[truth] + noise * rng.normal(size=(len(truth), d)) / np.sqrt(d) * 2)
    labels = tuple((f"label {t}",) for t in truth)
    names = tuple(f"label {c}" for c in range(classes))
    ids = tuple(f"{i:03}" for i in range(len(rows)))
    return Space(rows, ids, len(rows), labels=labels), names, centers, truth


def test_accuracy_is_that_of_scikit_learn(rng):
    space, names, centers, truth = labeled(rng)
    cosines = space.vectors @ centers.T
    found = classify(space, names, centers)
    assert found.scores["accuracy"].value == pytest.approx(
        accuracy_score(truth, cosines.argmax(axis=1))
    )
    assert found.scores["accuracy@5"].value == pytest.approx(
        top_k_accuracy_score(truth, cosines, k=5)
    )
    assert found.scores["accuracy"].chance == pytest.approx(1 / 6)
    counted = {(c.true, c.named): len(c.rows) for c in found.confusions}
    wrong = cosines.argmax(axis=1) != truth
    assert sum(counted.values()) == wrong.sum() > 0
    most = max(counted.values())
    assert len(found.confusions[0].rows) == most
    by_label = {s.label: s.score.value for s in found.by_label}
    for i, name in enumerate(names):
        assert by_label[name] == pytest.approx(1 - wrong[truth == i].mean())


def test_chance_of_images_with_several_labels(rng):
    """Two of four labels each: one of two named is right with 1/2, one of a pair with 5/6."""
    rows = unit(rng.normal(size=(8, 4)))
    labels = tuple(("a", "b") if i % 2 else ("c", "d") for i in range(8))
    space = Space(rows, tuple(map(str, range(8))), 8, labels=labels)
    found = classify(space, tuple("abcd"), np.eye(4, dtype=np.float32))
    assert found.scores["accuracy"].chance == pytest.approx(1 / 2)
    assert "accuracy@5" not in found.scores  # five of four labels would always be right


def test_the_nearest_image_is_that_of_scikit_learn(rng):
    space, *_, truth = labeled(rng, noise=0.8)
    model = KNeighborsClassifier(2, metric="cosine").fit(space.vectors, truth)
    nearest = model.kneighbors(space.vectors, return_distance=False)[:, 1]
    found = images_of_label(space).scores
    assert found["precision@1"].value == pytest.approx((truth[nearest] == truth).mean())
    assert found["precision@1"].chance == found["precision@10"].chance
    assert found["precision@10"].chance == pytest.approx(19 / 119)
    assert found["recall@10"].chance == pytest.approx(10 / 119)
    ratio = found["recall@10"].value / found["precision@10"].value
    assert ratio == pytest.approx(10 / 19)


def test_random_labels_are_at_chance(rng):
    rows = unit(rng.normal(size=(300, 24)))
    labels = tuple((str(c),) for c in rng.integers(0, 5, 300))
    space = Space(rows, tuple(map(str, range(300))), 300, labels=labels)
    for score in images_of_label(space).scores.values():
        assert score.low <= score.chance <= score.high


def test_intervals_cover_other_images_as_queries_and_candidates():
    """Images of the same classes are drawn anew; stated 95%."""
    found = [images_of_label(labeled(np.random.default_rng(s), noise=0.8)[0]) for s in range(100)]
    for name in ("precision@1", "precision@10", "recall@10"):
        scores = [f.scores[name] for f in found]
        mean = np.mean([s.value for s in scores])
        assert sum(s.low <= mean <= s.high for s in scores) >= 90, name
        true = 1.96 * np.std([s.value for s in scores])
        assert np.mean([s.high - s.low for s in scores]) / 2 < 1.6 * true, name


def test_too_few_are_refused(rng):
    space, names, centers, _ = labeled(rng, classes=3, each=5)
    with pytest.raises(TooFew, match="needs at least 20 images that share a label; there are 15"):
        images_of_label(space)
    with pytest.raises(TooFew, match="needs at least 2 labels"):
        classify(space, names[:1], centers[:1])
    bare = Space(space.vectors, space.ids, space.n_images)
    with pytest.raises(TooFew, match="labeled images"):
        classify(bare, names, centers)
