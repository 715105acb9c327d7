"""Clusters and their names on points whose clusters are known; what two sets and maps share."""

import numpy as np
import pytest

from core.measure import (
    by_density,
    by_means,
    clusters_of,
    laid_over,
    moved_most,
    named_clusters,
    occurrences,
    placed,
    separations,
    words_by_encoder,
)
from core.measure import clusters as module
from core.types import Space


@pytest.fixture
def blobs():
    """Three groups of 100 points, and which each is in."""
    rng = np.random.default_rng(0)
    of = np.repeat([0, 1, 2], 100)
    return (np.array([[0, 0], [5, 0], [0, 5]])[of] + rng.normal(size=(300, 2)) / 9).astype("f4"), of


@pytest.mark.parametrize("sample", [20_000, 120])
def test_groups_that_one_sees_are_found_also_from_a_sample(blobs, sample, monkeypatch):
    monkeypatch.setattr(module, "SAMPLE", sample)
    xy, of = blobs
    found = by_density(xy, smallest=60)
    assert len(found.sizes) == 3 and found.sampled == min(300, sample)
    for c in range(3):
        rows = found.rows(c)
        assert len(set(of[rows])) == 1 and len(rows) == found.sizes[c]
        assert np.linalg.norm(found.centers[c] - xy[rows].mean(axis=0)) < 0.1
    assert (by_density(xy, smallest=60).of == found.of).all()


def test_k_means_joins_both_kinds_across_a_modality_gap():
    rng = np.random.default_rng(0)
    topic = np.tile(np.repeat(np.eye(4, 8), 25, axis=0), (2, 1))
    gap = np.repeat([[0, 0, 0, 0, 3, 0, 0, 0], [0, 0, 0, 0, 0, 3, 0, 0]], 100, axis=0)
    vectors = topic + gap + rng.normal(size=(200, 8)) / 20
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = Space(vectors.astype(np.float32), tuple(map(str, range(200))), 100)
    found = by_means(space, vectors[:, :2].astype(np.float32), k=4)
    assert found.sizes.tolist() == [50] * 4
    assert all((found.of[:100] == found.of[100:]).tolist())


def test_clusters_are_named_by_what_others_do_not_say(blobs):
    xy, of = blobs
    unit = np.arange(300)
    texts = [f"a photo with dogs, {('sea', 'city', 'wood')[c]}" for c in of]
    found = named_clusters(by_density(xy, smallest=60), occurrences(unit, unit, unit, texts, {}))
    assert sorted(found.names) == ["city", "sea", "wood"]


def test_nothing_has_no_clusters():
    assert not len(by_density(np.zeros((3, 2), np.float32)).sizes)
    empty = Space(np.empty((0, 4), np.float32), (), 0)
    assert not len(by_means(empty, np.empty((0, 2), np.float32)).of)


def test_two_halves_of_one_cloud_mix_as_by_chance_and_two_clouds_do_not():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 16)) + 0.5
    x[150:] += 2 * rng.normal(size=16)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    space = Space(x.astype(np.float32), tuple(map(str, range(300))), 300)
    (same,) = separations(space, np.arange(0, 150, 2), np.arange(1, 150, 2))
    (apart,) = separations(space, np.arange(150), np.arange(150, 300))
    assert same.cosine > same.low and same.mixed[1] < same.mixed_by_chance < same.mixed[2]
    assert apart.cosine < apart.low and apart.mixed[2] < apart.mixed_by_chance
    assert separations(space, np.arange(300), np.arange(300)) == ()  # all of B is in A
    (single,) = separations(space, np.arange(1), np.arange(150, 300))
    assert single.mixed[0] == 1
    assert np.isnan(single.mixed[1:]).all()  # a single draw: no interval


def test_a_map_turned_and_scaled_is_the_same_and_a_moved_point_stands_out(blobs):
    xy, _ = blobs
    other = (xy @ np.array([[0, 1], [-1, 0]]) * 3 + 7).astype(np.float32)
    other[17] += 30
    over = laid_over(xy, other)
    assert moved_most(xy, over, np.array([], int), most=1).tolist() == [17]
    assert np.median(np.linalg.norm(xy - over, axis=1)) < 0.3


def test_a_query_lies_among_its_nearest_images():
    rng = np.random.default_rng(0)
    images = np.repeat(np.eye(2, 8), 20, axis=0) + rng.normal(size=(40, 8)) / 30
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    space = Space(images.astype(np.float32), tuple(map(str, range(40))), 40)
    xy = np.repeat([[0, 0], [9, 9]], 20, axis=0).astype(np.float32)
    assert placed(space, xy, np.eye(2, 8, dtype=np.float32)).round(3).tolist() == [[0, 0], [9, 9]]


@pytest.fixture
def topics():
    """400 images of 8 topics in a cone, the words of the topics first, and 300 others."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(8), 50)
    axes = np.linalg.qr(rng.normal(size=(64, 64)))[0]
    images = 3 * axes[8] + 2 * axes[of] + 0.3 * rng.normal(size=(400, 64))
    words = rng.normal(size=(308, 64))
    words[:8] += 12 * axes[:8] + 12 * axes[8]
    words[8] = 12 * axes[8]  # near every image
    rows = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, words)]
    space = Space(rows[0].astype("f4"), tuple(map(str, range(400))), 400)
    return space, of, [f"word {i}" for i in range(308)], rows[1].astype("f4")


def test_clusters_without_captions_are_named_by_the_encoder(topics):
    space, of, words, vectors = topics
    found = clusters_of(np.zeros((400, 2), np.float32), of, 400)
    fitting = words_by_encoder(found, space, words, vectors)
    assert [one[0] for one in fitting] == words[:8]
    assert words[8] not in {word for one in fitting for word in one}
    nothing = occurrences(np.arange(400), np.arange(400), np.arange(400), [""] * 400, {})
    named = named_clusters(found, nothing, fitting, len(words))
    assert len(set(named.names)) == 8 and set(named.by) == {"encoder"}
    assert "308 words" in named.naming and not named.lacks_names


def test_random_groups_and_an_encoder_that_knows_nothing_give_no_names(topics):
    space, of, words, vectors = topics
    rng = np.random.default_rng(1)
    places, none = np.zeros((400, 2), np.float32), ((),) * 8
    mixed = clusters_of(places, rng.permutation(of), 400)
    assert words_by_encoder(mixed, space, words, vectors) == none
    noise = rng.normal(size=vectors.shape)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    found = clusters_of(places, of, 400)
    fitting = words_by_encoder(found, space, words, noise.astype("f4"))
    assert sum(map(bool, fitting)) <= 1
    nothing = occurrences(np.arange(400), np.arange(400), np.arange(400), [""] * 400, {})
    named = named_clusters(mixed, nothing, none, len(words))
    assert named.names[2] == "Cluster 3" and "no word stands out" in named.naming


def test_clusters_of_one_word_are_told_apart_by_the_next(topics):
    found = clusters_of(np.zeros((3, 2), np.float32), np.arange(3), 3)
    nothing = occurrences(np.arange(3), np.arange(3), np.arange(3), [""] * 3, {})
    named = named_clusters(found, nothing, [("dog", "grass", "ball")] * 2 + [("dog",)], 9)
    assert named.names == ("dog, grass", "dog, grass, ball", "dog")
