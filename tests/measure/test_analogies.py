"""Edits in words work in a planted space and not in a random one; when an image asks badly."""

from itertools import product

import numpy as np
import pytest

from core.errors import TooFew
from core.measure.analogies import analogies
from core.search.query.quality import image_query_warning, neighbor_label_agreement
from core.types.query import Part, Query
from tests.fixtures import spaces

SUBJECTS, KINDS, COPIES = 6, 5, 3


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def planted(rng, *, additive=True):
    """Images that are the sum of what and which, and labels that are those two."""
    basis = np.linalg.qr(rng.normal(size=(32, 32)))[0]
    what, which = basis[:SUBJECTS], basis[SUBJECTS : SUBJECTS + KINDS]
    cells = list(product(range(SUBJECTS), range(KINDS))) * COPIES
    rows = np.array([what[s] + which[k] for s, k in cells]) + 0.02 * rng.normal(size=(90, 32))
    if not additive:
        rows = rng.normal(size=rows.shape)
    labels = [(f"subject {s}", f"kind {k}") for s, k in cells]
    order = np.argsort([f"{i:03}" for i in range(90)])
    space = spaces.space(unit(rows)[order], labels=[labels[i] for i in order])
    word = {f"subject {s}": what[s] for s in range(SUBJECTS)}
    word |= {f"kind {k}": which[k] for k in range(KINDS)}
    return space, lambda names: np.array([word[name] for name in names], np.float32)


@pytest.mark.parametrize("mix", ["sum", "balanced"])
def test_a_planted_space_can_be_edited(rng, mix):
    found = analogies(*planted(rng), mix=mix)
    assert found.scores["success@1"].value == 1
    assert found.scores["success"].value == 1
    assert found.strength > 0
    assert "more than without the edit" in found.sentence


def test_without_the_edit_it_is_the_nearest_picture(rng):
    space, words = planted(rng)
    found = analogies(space, words, mix="sum")
    assert found.curve[0] == 0  # the nearest has the same two labels, so never the new one
    assert found.scores["success@0"].value == 0


def test_a_random_space_is_as_good_as_chance(rng):
    space, words = planted(rng, additive=False)
    score = analogies(space, words).scores["success"]
    assert score.low <= score.chance + 0.03
    assert score.value == pytest.approx(score.chance, abs=0.06)
    cells_with_new_and_other = COPIES  # of 89 other images
    assert score.chance == pytest.approx(cells_with_new_and_other / 89, abs=1e-9)


def test_order_of_pictures_does_not_matter_to_chance_and_too_few_labels_are_told(rng):
    for labels in ([("a",)] * 90, [()] * 90):
        space, words = planted(rng)
        with pytest.raises(TooFew, match="needs at least 10 images with a label that can be"):
            analogies(spaces.space(space.images, labels=labels), words)


def asking(space, **part):
    return image_query_warning(space, Query((Part(**part),), ("image",)))


def test_a_picture_that_asks_well_is_not_warned_of(rng):
    space, _ = planted(rng)
    one = [(labels[0],) for labels in space.labels]
    good = spaces.space(unit(space.images), labels=one)
    assert neighbor_label_agreement(good).images[0] > 0.2
    assert asking(good, item=good.ids[0]) == ""


def test_a_picture_whose_neighbours_share_no_label_is_warned_of(rng):
    space, _ = planted(rng, additive=False)
    poor = spaces.space(space.images, labels=[("a",), ("b",), ("c",)] * 30)
    found = neighbor_label_agreement(poor)
    assert found.images[1] <= found.chance <= found.images[2] + 0.05
    told = asking(poor, item=poor.ids[0])
    assert told.endswith("images are poor queries here.")
    assert asking(poor, image=b"x") == told
    assert asking(poor, text="a dog") == ""
    assert asking(spaces.space(space.images), item=space.ids[0]) == ""


def test_captions_that_find_more_are_told(rng):
    middle = np.repeat(np.eye(16)[:4], 15, axis=0)
    images = unit(0.4 * middle + unit(rng.normal(size=(60, 16))))
    labels = [(name,) for name in "abcd" for _ in range(15)]
    space = spaces.space(
        images, unit(middle + 0.01 * rng.normal(size=(60, 16))), spaces.diagonal(60),
        labels=[*labels, *[()] * 60],
    )  # fmt: skip
    found = neighbor_label_agreement(space)
    assert found.gain[2] < 0
    assert asking(space, item=space.ids[0]).endswith("Add a text to the query.")
    with_text = Query((Part(item=space.ids[0]), Part("a dog")), ("image",))
    assert image_query_warning(space, with_text).endswith("(chance level 24%).")
