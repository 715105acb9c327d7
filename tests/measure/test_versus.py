"""Two encoders on the same queries, against answers worked by hand and by simulation."""

import numpy as np
import pytest

from core.errors import TooFew
from core.measure.retrieval import evaluate, gained
from core.measure.versus import compare_directions, shared_items
from core.types import Space
from tests.fixtures import spaces


def directions(a, b):
    return evaluate(a).text_to_image, evaluate(b).text_to_image


def test_an_encoder_agrees_with_itself():
    a = spaces.paired(n=60, d=16, agreement=0.6)
    found = compare_directions(a, a, *directions(a, a))
    assert found.overlap.value == 1.0
    assert len(found.won) == len(found.lost) == found.gain.value == 0
    assert found.both + found.neither == 60


def test_unrelated_encoders_overlap_by_chance(rng):
    a, b = (spaces.paired(n=300, d=64, agreement=0.0, seed=s) for s in (1, 2))
    b = Space(b.vectors, a.ids, a.n_images, a.pairs)
    found = compare_directions(a, b, *directions(a, b))
    assert found.overlap.chance == pytest.approx(10 / 300)
    assert found.overlap.low <= found.overlap.chance <= found.overlap.high


def test_won_and_lost_make_the_gain():
    a, b = (spaces.paired(n=200, d=16, agreement=x) for x in (0.7, 0.5))
    b = Space(b.vectors, a.ids, a.n_images, a.pairs)
    one, other = directions(a, b)
    found = compare_directions(a, b, one, other)
    assert found.gain.value == pytest.approx((len(found.won) - len(found.lost)) / 200)
    assert (found.gain.low, found.gain.high) == gained(one, other, 10)[1:]
    ahead = np.diff(np.log(found.ranks[found.won]), axis=1)[:, 0]
    assert (np.diff(ahead) <= 1e-12).all()
    assert (found.ranks[found.won][:, 0] <= 10).all()
    assert (found.ranks[found.won][:, 1] > 10).all()


def test_only_shared_items_are_compared():
    a = spaces.paired(n=40, d=8, agreement=0.8)
    rows = np.r_[0:30, 40:75]
    first, second = shared_items(a, a.subset(rows))
    assert first.ids == second.ids == tuple(a.ids[r] for r in rows)
    assert len(first.pairs) == 30
    with pytest.raises(TooFew, match="pairs that both have encoded"):
        shared_items(a, a.subset(np.arange(40)))
