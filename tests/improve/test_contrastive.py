"""Losses of the adapter: known values, and slopes as finite differences tell them."""

import numpy as np
import pytest

from core.improve.contrastive import (
    against_mixtures,
    decoupled,
    mixed,
    of_mixtures,
    pairs_apart,
    toward,
)
from tests.fixtures import spaces

OWNER = np.array([0, 0, 1, 2, 2, 3, 4, 5, 5])  # the image of each of nine texts
OWN = np.arange(6)[:, None] == OWNER
EYE = np.eye(6)
LOSSES = {
    "all texts": (lambda a, b: pairs_apart(a, b, OWN, ~OWN & (np.arange(9) != 4), 0.1), 9),
    "soft targets": (lambda a, b: toward(a, b, 0.3 * EYE + 0.7 * EYE[::-1], 0.1), 6),
    "m2": (lambda a, b: against_mixtures(a, b, 0.3, 0.1), 6),
    "m3": (lambda a, b: of_mixtures(a, b, 0.3, 0.1, (0.5, 0.7, 0.9)), 6),
}


@pytest.mark.parametrize("name", LOSSES)
def test_slopes_are_those_of_the_loss(name, rng):
    loss, count = LOSSES[name]
    sides = [spaces.directions(6, 5), spaces.directions(count, 5, 1)]
    _, *slopes = loss(*sides)
    for side in (0, 1):
        along = rng.normal(size=sides[side].shape)
        along -= (along * sides[side]).sum(axis=1, keepdims=True) * sides[side]
        ends = []
        for step in (1e-6, -1e-6):
            moved = list(sides)
            moved[side] = sides[side] + step * along
            ends.append(loss(*moved)[0])
        assert (slopes[side] * along).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5)


def test_one_text_each_is_the_softmax_and_texts_of_an_image_do_not_compete(rng):
    left, right = spaces.directions(6, 5), spaces.directions(6, 5, 1)
    own = np.eye(6, dtype=bool)
    single = pairs_apart(left, right, own, ~own, 0.1)
    assert single[0] == pytest.approx(toward(left, right, EYE, 0.1)[0])
    scores = np.array([[2.0, 1.0, 0.0, -1.0]])
    two = np.array([[True, True, False, False]])
    apart = [decoupled(scores + add, two, ~two)[1][0, 1] for add in (0, [3, 0, 0, 0])]
    assert apart[0] == pytest.approx(apart[1])


def test_mixtures_are_unit_and_of_one_row_that_row():
    left, right = spaces.directions(6, 5), spaces.directions(6, 5, 1)
    rows = mixed(left, right, 0.3)[0]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert mixed(left, right, 1.0)[0] == pytest.approx(left)
    assert mixed(left, left, 0.3)[0] == pytest.approx(left)
    middle = mixed(left, right, 0.5)[0]
    assert (middle * left).sum(axis=1) == pytest.approx((middle * right).sum(axis=1))
