"""Batches: every image once, its own texts, and one topic at a time."""

import numpy as np
import pytest

from core.improve.batches import alike, at_random, captions_of, topics_of
from tests.fixtures import spaces


@pytest.fixture(scope="module")
def space():
    """Twenty topics that are far apart, of 40 images with three texts each."""
    topics = 3 * np.eye(40)[:20].repeat(40, axis=0)
    images = topics + spaces.directions(800, 40)
    texts = topics.repeat(3, axis=0) + spaces.directions(2400, 40, 1)
    pairs = np.column_stack([np.arange(2400) // 3, 800 + np.arange(2400)])
    return spaces.space(images, texts, pairs)


def test_some_images_keep_their_own_texts(space):
    every = captions_of(space)
    some = every.some(np.array([7, 2]))
    assert some.images.tolist() == [7, 2]
    assert some.texts.tolist() == [821, 822, 823, 806, 807, 808]
    assert some.own.tolist() == [[True] * 3 + [False] * 3, [False] * 3 + [True] * 3]


def test_random_batches_have_every_image_once_with_a_text_of_its_own(space, rng):
    every = captions_of(space)
    batches = [every.with_one(places) for places in at_random(every, 150, rng)]
    assert sorted(np.concatenate([b.images for b in batches])) == list(range(800))
    for batch in batches:
        assert ((batch.texts - 800) // 3 == batch.images).all()


def test_a_batch_is_of_one_topic_with_an_image_once_and_margins_alike(space, rng):
    every = captions_of(space)
    topics = topics_of(space, every)
    count = 0
    for places in topics.batches(16, rng):
        batch = every.with_one(places)
        count += len(batch)
        assert len(set(batch.images // 40)) == 1
        assert len(set(batch.images)) == len(batch)
        assert ((batch.texts - 800) // 3 == batch.images).all()
    assert 800 <= count < 800 + 16
    for start, stop in zip(topics.starts[:-1], topics.starts[1:], strict=True):
        assert 1 < topics.rarity[start:stop].sum().round(6) <= 10  # 1 for each bin in use


def test_what_is_nearly_the_same_is_masked():
    images = spaces.directions(3, 8)
    texts = spaces.directions(4, 8, 1)
    texts[3] = texts[0]  # of the last image, as of the first
    pairs = np.array([[0, 3], [1, 4], [2, 5], [2, 6]])
    space = spaces.space(images, texts, pairs)
    found = alike(space.images, space.texts, captions_of(space))
    wrong = found & ~captions_of(space).own
    assert np.argwhere(wrong).tolist() == [[0, 3], [2, 0]]
