"""The figures' data against closed forms."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from core.errors import TooFew
from core.measure import FIGURES, RANDOM, Figure
from core.measure.figures import overlap, random_tail, tail
from core.measure.pair_check import smoothed
from core.numerics.nulls import isotropic_spectrum
from tests.fixtures.spaces import ball, clustered, labelled, one_hub, paired, simplex, space


@pytest.mark.parametrize("apart", [0.0, 1.0, 3.0])
def test_the_overlap_of_two_normals(rng, apart):
    a, b = rng.normal(0, 1, 40_000), rng.normal(apart, 1, 40_000)
    edges = np.arange(-8, 12, 0.1)
    found = overlap(smoothed(a, edges), smoothed(b, edges), 0.1)
    assert found == pytest.approx(2 * norm.cdf(-apart / 2), abs=0.02)


def test_pairs_that_agree_overlap_less_than_pairs_that_do_not():
    lines = [FIGURES["pair_similarities"](given).lines for given in (paired(d=64), ball(d=64))]
    step = [one["pairs"].x[1] - one["pairs"].x[0] for one in lines]
    shared = [
        overlap(one["pairs"].y, one["random pairs"].y, width)
        for one, width in zip(lines, step, strict=True)
    ]
    assert shared[0] < 0.05 < 0.9 < shared[1]
    for one, width in zip(lines, step, strict=True):
        assert one["pairs"].y.sum() * width == pytest.approx(1, abs=0.01)
        assert (one["pairs"].x / width % 1).round(6).tolist() == [0.5] * len(one["pairs"].x)


def test_the_spectrum_of_isotropic_vectors_is_the_null():
    figure = FIGURES["spectra"](ball(n=4000, d=16))
    assert set(figure.lines) == {"images", "texts", "isotropic"}
    assert figure.lines["images"].y.sum() == pytest.approx(1)
    assert figure.lines["isotropic"].y == pytest.approx(isotropic_spectrum(3999, 16))
    assert figure.lines["images"].y == pytest.approx(figure.lines["isotropic"].y, rel=0.05)


def test_a_random_tail_is_binomial(rng):
    counts = rng.binomial(500, 0.02, 20_000)
    measured, null = tail(counts), random_tail(500, 0.02)
    assert null.y[:25] == pytest.approx(binom.sf(np.arange(25), 500, 0.02))
    shown = measured.x <= 16
    assert measured.y[shown] == pytest.approx(null.y[: shown.sum()], abs=0.01)


def test_hubs_lie_beyond_their_null():
    figure = FIGURES["hub_tails"](one_hub())
    name = "images for texts"
    assert {n for n in figure.lines if not n.startswith(RANDOM)} >= {name}
    assert figure.lines[name].x.max() > 2 * figure.lines[f"{RANDOM}{name}"].x.max()


def test_labels_alike_are_neighbors_in_the_heat_map():
    given = labelled(clustered(simplex(4, 32), [20] * 4, agreement=0.9), 4)
    figure = FIGURES["class_cosines"](given)
    assert figure.cells.shape == (4, 4)
    assert (figure.cells.argmax(axis=1) == np.arange(4)).all()
    assert (np.diag(figure.cells) > 0.5).all()


@pytest.mark.parametrize("name", FIGURES)
def test_too_little_is_a_sentence(name):
    with pytest.raises(TooFew):
        FIGURES[name](space(np.eye(2)))


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_after_it_was_stored(name):
    given = labelled(clustered(simplex(3, 32), [20] * 3, agreement=0.9), 3)
    figure = FIGURES[name](given)
    again = Figure.from_dict(figure.to_dict())
    assert again.to_dict() == figure.to_dict()
    assert figure.sentence.endswith(".")
