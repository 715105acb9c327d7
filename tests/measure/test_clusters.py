"""Clusters and their names on points whose clusters are known; what two sets and maps share."""

import numpy as np
import pytest

from core.measure import (
    by_density,
    by_means,
    laid_over,
    moved_most,
    named_clusters,
    occurrences,
    placed,
    separations,
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


def test_a_map_turned_and_scaled_is_the_same_and_a_moved_point_stands_out(blobs):
    xy, _ = blobs
    other = (xy @ np.array([[0, 1], [-1, 0]]) * 3 + 7).astype(np.float32)
    other[17] += 30
    over = laid_over(xy, other)
    assert moved_most(xy, over, most=1).tolist() == [17]
    assert np.median(np.linalg.norm(xy - over, axis=1)) < 0.3


def test_a_query_lies_among_its_nearest_images():
    rng = np.random.default_rng(0)
    images = np.repeat(np.eye(2, 8), 20, axis=0) + rng.normal(size=(40, 8)) / 30
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    space = Space(images.astype(np.float32), tuple(map(str, range(40))), 40)
    xy = np.repeat([[0, 0], [9, 9]], 20, axis=0).astype(np.float32)
    assert placed(space, xy, np.eye(2, 8, dtype=np.float32)).round(3).tolist() == [[0, 0], [9, 9]]
