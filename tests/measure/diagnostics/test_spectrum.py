"""Spectra: how many directions carry the items, and which coordinates do nothing."""

import re

import numpy as np
import pytest
from scipy import linalg, stats

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space

COUNTS = ("participation_ratio", "stable_rank", "numerical_rank")


def with_spectrum(values):
    """2 d rows, d a power of 2, whose covariance has exactly these eigenvalues over their sum."""
    signs = linalg.hadamard(len(values))
    rows = np.concatenate([signs, -signs]) * np.sqrt(values)
    return space(rows)


@pytest.mark.parametrize("r", [1, 2, 10, 64])
def test_equal_eigenvalues_are_counted(r):
    cross = np.concatenate([np.eye(64)[:r], -np.eye(64)[:r]] * 2)
    for name in COUNTS:
        expected = np.ceil(0.95 * r - 1e-9) if name == "numerical_rank" else r
        assert value(name, space(cross)) == pytest.approx(expected, rel=1e-6), name


def test_singular_values_two_and_one():
    given = space(np.eye(2)[[0, 0, 0, 0, 1]])  # second moment 4/5 and 1/5
    assert value("stable_rank", given) == pytest.approx(1.25)
    plane = np.eye(2)[[0, 0, 0, 0, 1]]
    centered = space(np.concatenate([plane, -plane]))
    assert value("participation_ratio", centered) == pytest.approx(25 / 17)  # 1.470588
    assert value("stable_rank", centered) == pytest.approx(1.25)  # NESum of (4, 1)
    assert value("numerical_rank", centered) == 2
    assert value("numerical_rank", centered, share=0.8) == 1


def test_a_spectrum_of_one_over_i():
    lam = 1 / np.arange(1.0, 513)
    given = with_spectrum(lam)
    assert value("stable_rank", given) == pytest.approx(6.816517, rel=1e-5)
    assert value("participation_ratio", given) == pytest.approx(28.2808, rel=1e-5)
    assert value("isotropy", given) == pytest.approx(0.053387, rel=1e-4)
    assert value("effective_rank", given) == pytest.approx(409.55, abs=0.01)
    assert value("numerical_rank", given) == (np.cumsum(lam) < 0.95 * lam.sum()).sum() + 1
    found = find("alpha_req", given)
    assert found.value == pytest.approx(1.0, abs=1e-4)
    assert found.verdict == "good"
    assert list(found.curve.x) == list(range(11, 501))
    np.testing.assert_allclose(found.curve.y, lam[10:500] / lam.sum(), rtol=1e-4)


@pytest.mark.parametrize(("n", "d"), [(1000, 128), (400, 256), (100, 256)])
def test_isotropic_data_reach_their_reference(n, d):
    given = space(directions(n, d))
    for name in (*COUNTS, "alpha_req"):
        found = find(name, given)
        if name == "alpha_req":
            assert found.value == pytest.approx(found.reference.value, abs=0.1), name
        else:
            assert found.value == pytest.approx(found.reference.value, rel=0.07), name
            assert found.verdict == "good"


def test_direct_formulas_in_float64():
    given = spaces.gap(n=300, d=40, size=0.7)
    x = given.images.astype(np.float64)
    lam = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    s = np.linalg.svd(x, compute_uv=False)
    assert value("participation_ratio", given, "image") == pytest.approx(
        lam.sum() ** 2 / (lam**2).sum()
    )
    assert value("stable_rank", given, "image") == pytest.approx((s**2).sum() / s[0] ** 2)
    rank = (np.cumsum(lam) < 0.95 * lam.sum()).sum() + 1
    assert value("numerical_rank", given, "image") == rank
    line = stats.linregress(np.log(np.arange(11, 41)), np.log(lam[10:]))
    found = find("alpha_req", given, "image")
    assert found.value == pytest.approx(-line.slope)
    assert f"(R² {line.rvalue**2:.2f})" in found.detail


@pytest.mark.parametrize(("n", "d"), [(10, 512), (20, 64), (10, 16)])
def test_few_isotropic_rows_around_their_mean_reach_their_reference(n, d):
    """Their mean takes one of n directions away."""
    ranks, ratios, scores = (
        [find(name, space(directions(n, d, seed))) for seed in range(40)]
        for name in ("numerical_rank", "participation_ratio", "isotropy")
    )
    assert np.mean([f.value for f in ranks]) == pytest.approx(ranks[0].reference.value, abs=0.4)
    ratio = np.mean([f.value for f in ratios])
    assert ratio == pytest.approx(ratios[0].reference.value, rel=0.03)
    assert scores[0].reference.value == pytest.approx((ratios[0].reference.value - 1) / (d - 1))
    assert np.mean([f.yardstick for f in scores]) == pytest.approx(1, abs=0.02)
    if n == 10 and d == 512:
        assert ranks[0].value == ranks[0].reference.value == 9  # of 9 in all


def test_the_fall_of_few_isotropic_rows_reaches_its_reference():
    found = [find("alpha_req", space(directions(20, 64, seed))) for seed in range(20)]
    even = found[0].reference.value
    assert np.mean([f.value for f in found]) == pytest.approx(even, rel=0.1)


def test_the_correction_for_n_reaches_the_true_ratio():
    shape = 1 / np.sqrt(np.arange(1, 65))
    true = (shape**2).sum() ** 2 / (shape**4).sum()
    rng = np.random.default_rng(3)
    x = rng.standard_normal((100, 64)) * shape
    found = find("participation_ratio", space(np.column_stack([x, np.full(100, 30.0)])))
    corrected = float(re.search(r"is estimated at ([\d.]+)\.", found.detail)[1])
    assert found.value < corrected
    assert corrected == pytest.approx(true, rel=0.15)


@pytest.mark.parametrize(
    ("name", "bad", "verdict"),
    [
        ("participation_ratio", spaces.low_rank(), "bad"),
        ("stable_rank", spaces.cone(cosine=0.95), "watch"),  # as all that follows from the mean
        ("numerical_rank", spaces.low_rank(), "bad"),
    ],
)
def test_collapse_is_worse_and_is_not_good(name, bad, verdict):
    good, worse = find(name, spaces.paired(), "image"), find(name, bad, "image")
    assert good.verdict == "good"
    assert worse.verdict == verdict
    assert worse.value < good.value


def test_a_steep_spectrum_is_called_bad():
    steep = np.random.default_rng(0).standard_normal((500, 64)) * np.arange(1, 65) ** -2.0
    found = find("alpha_req", space(np.column_stack([steep, np.full(500, 5.0)])))
    assert found.value > 2.5
    assert found.verdict == "bad"


def test_intervals_have_the_right_width():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return space(rng.standard_normal((400, 24)) * np.linspace(2, 0.3, 24) + np.eye(24)[0])

    for name in ("participation_ratio", "stable_rank", "alpha_req"):
        drawn = [find(name, draw(seed)) for seed in range(100)]
        true = np.std([f.value for f in drawn], ddof=1)
        stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
        assert 0.75 < stated / true < 1.3, (name, stated / true)
    ranks = [find("numerical_rank", draw(seed)) for seed in range(100)]
    middle = np.median([f.value for f in ranks])
    assert sum(f.low <= middle <= f.high for f in ranks) >= 90


def test_a_fall_needs_enough_directions():
    with pytest.raises(TooFew, match="at least 15 directions with variance; there are 2"):
        DIAGNOSTICS.get("alpha_req")(spaces.low_rank())
    with pytest.raises(TooFew, match="there are none"):
        DIAGNOSTICS.get("alpha_req")(spaces.same())


def test_a_bent_spectrum_has_no_verdict():
    bent = np.concatenate([np.ones(40), np.full(24, 1e-3)])
    found = find("alpha_req", with_spectrum(bent))
    assert "no single exponent" in found.sentence
    assert found.verdict == "unknown"


# Coordinates


def active(n=500, d=40, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d))


def test_dead_rogue_and_mixed_coordinates_are_found():
    x = active()
    x[:, 3] = 0.0
    x[:, 4] *= 1e-2
    x[:, 7] *= 12
    x[:, 9] = np.where(np.arange(500) < 2, 20.0, 0.0)
    found = find("dimension_activity", space(x))
    assert found.value == pytest.approx(4 / 40)
    assert "2 dead" in found.detail
    assert "1 rogue (number 7)" in found.detail
    assert "1 mixed" in found.detail
    assert found.low <= found.value <= found.high


def test_a_far_mean_makes_a_coordinate_rogue():
    x = active()
    x[:, 11] += 10
    assert "1 rogue (number 11)" in find("dimension_activity", space(x)).detail
    assert find("dimension_activity", space(active())).value == 0


def test_activity_is_that_of_numpy():
    given = space(active(300, 12) * np.linspace(0.05, 1, 12))
    x = given.images.astype(np.float64)
    share = x.var(axis=0) / x.var(axis=0).mean()
    curve = find("dimension_activity", given).curve
    np.testing.assert_allclose(curve.y, np.sort(share)[::-1], rtol=1e-5)


def test_a_rotation_hides_dead_coordinates_but_not_dead_directions():
    x = active()
    x[:, :10] = 0.0
    given = space(x)
    found, turned = (find("dimension_activity", s) for s in (given, spaces.rotated(given)))
    assert found.value == 0.25
    assert found.verdict == "bad"
    assert turned.value == 0
    for f in (found, turned):
        assert "no rotation changes: 10 dead" in f.detail


def test_an_uncertain_variance_widens_the_interval():
    x = active(60, 40)
    x[:, 0] *= 0.1  # right at the line
    found = find("dimension_activity", space(x))
    assert found.low == 0
    assert found.high == pytest.approx(1 / 40)


def test_all_rows_the_same_are_all_dead():
    found = find("dimension_activity", spaces.same(200), "image")
    assert found.value == 1
    assert found.verdict == "bad"
