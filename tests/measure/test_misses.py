"""Why queries miss: planted reasons are found, and only they."""

import numpy as np
import pytest

from core.measure.misses import find_misses
from core.measure.retrieval import evaluate
from core.types import Space
from tests.fixtures import spaces


def space_of(images, texts, pairs, labels=()):
    rows = np.concatenate([images, texts]).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ids = tuple(f"{i:04}" for i in range(len(rows)))
    return Space(rows, ids, len(images), np.asarray(pairs), labels)


@pytest.fixture
def planted():
    """Thirty pairs in a space of their own each; text 0 lies at image 1, its own is a copy of 2."""
    n, eye = 30, np.eye(40)
    images, texts = eye[:n].copy(), eye[:n].copy()
    texts[0] = eye[1] + 0.9 * eye[2]
    images[0] = eye[2] + 0.1 * eye[35]
    labels = tuple((("x",) if i < 2 else (f"{i}",)) for i in range(n)) + ((),) * n
    return space_of(images, texts, [[i, n + i] for i in range(n)], labels)


def test_a_near_duplicate_and_the_same_label_are_named(planted):
    found = find_misses(planted, evaluate(planted).text_to_image, k=2)
    assert planted.ids[found.queries[0]] == "0030"
    assert (found.own[0], found.ranks[0], found.first[0].tolist()) == (0, 3, [1, 2])
    assert {why for why, holds in found.reasons.items() if holds[0]} == {"duplicate", "label"}
    assert found.near.tolist() == [True]
    assert len(found.queries) == 1
    assert found.n_queries == 30
    assert found.of("label").tolist() == found.of("").tolist() == [0]
    assert found.of("unexplained").size == found.of("far").size == found.of("hub").size == 0


def test_hubs_and_cut_texts_are_those_that_are_given(planted):
    hubs = np.zeros(planted.n, np.float32)
    hubs[1] = 4.0
    asked = []

    def cut(rows):
        asked.extend(rows)
        return np.ones(len(rows), bool)

    found = find_misses(planted, evaluate(planted).text_to_image, k=2, hubs=hubs, cut=cut)
    assert found.reasons["hub"].tolist() == found.reasons["cut"].tolist() == [True]
    assert asked == [30]


def test_captions_that_belong_elsewhere_are_those_of_the_pair_check():
    """Six captions of a good collection are handed round among six images."""
    clean = spaces.paired(n=300, d=32, agreement=0.9)
    pairs = clean.pairs.copy()
    pairs[:6, 1] = np.roll(pairs[:6, 1], 1)
    mixed = Space(clean.vectors, clean.ids, clean.n_images, pairs)
    for direction in ("text_to_image", "image_to_text"):
        found = find_misses(mixed, getattr(evaluate(mixed), direction))
        rows = np.sort(pairs[:6, 1] if direction == "text_to_image" else pairs[:6, 0])
        assert np.sort(found.queries[found.reasons["caption"]]).tolist() == rows.tolist()


def test_a_query_that_other_images_are_described_by_does_not_single_out_its_own():
    """The first caption of image 0 is like those of image 1 and unlike its own second one."""
    eye = np.eye(40)
    images = eye[:30]
    texts = np.concatenate([eye[:30], eye[:30]]) + 0.1 * eye[39]
    texts[0] = eye[1] + 0.2 * eye[39]
    pairs = sorted([i % 30, 30 + i] for i in range(60))
    space = space_of(images, texts, pairs)
    found = find_misses(space, evaluate(space).text_to_image, k=1)
    assert found.queries.tolist() == [30]
    assert found.reasons["alike"].tolist() == [True]
