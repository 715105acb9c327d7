"""The gap as a line to move along: recall, loss and variance."""

import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.gap_shift import sweep
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space

SWEEP = {"pairs": 2000, "temperature": 0.01, "what": "The gap curve"}


def uneven(n=300, d=16, size=1.0, seed=0):
    """Pairs of uneven length before the kinds are parted: the gap then decides between images."""
    rng = np.random.default_rng(seed)
    x = directions(n, d, seed)
    y = x + 0.4 * directions(n, d, seed + 1)
    long = rng.uniform(0.3, 1.5, (n, 1))
    x, y = x * long, y * rng.permutation(long)
    x[:, 0] += size
    y[:, 0] -= size
    return space(x, y, spaces.diagonal(n))


def moved(given, line, s):
    """Rows after the move, as Liang et al. write it."""
    x, y = given.images - s / 2 * line, given.texts + s / 2 * line
    return [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y)]


def judged(given):
    """The half of the pairs that is judged, and the line from the other half."""
    order = np.random.default_rng(0).permutation(given.n_images)
    fit, judge = order[::2], order[1::2]
    delta = given.images[fit].astype(np.float64).mean(axis=0) - given.texts[fit].mean(axis=0)
    return given.subset(np.concatenate([judge, given.n_images + judge])), delta


def test_moves_are_those_of_the_formula():
    given = spaces.gap(n=120, d=12, size=0.6)
    half, delta = judged(given)
    line = delta / np.linalg.norm(delta)
    found = sweep(given, **SWEEP)
    assert set(np.arange(-5, 5.01, 0.25)) <= set(found.moves)
    assert found.moves[found.today] == 0
    for s in (0.0, 0.5, -3.0):
        x, y = moved(half, line, s)
        cosines = x @ y.T
        at = int(np.flatnonzero(found.moves == s)[0])
        size = np.linalg.norm(x.mean(axis=0) - y.mean(axis=0))
        sign = np.sign(line @ (x.mean(axis=0) - y.mean(axis=0)))
        assert found.judged.sizes[at] == pytest.approx(sign * size, abs=1e-6)
        loss = [
            (logsumexp(cosines / 0.01, axis=i) - np.diag(cosines) / 0.01).mean() for i in (0, 1)
        ]
        assert found.judged.losses[at].mean() == pytest.approx(np.mean(loss), rel=1e-5)
        hits = [(cosines.argmax(axis=i) == np.arange(60)).mean() for i in (0, 1)]
        assert found.judged.recall(1)[at] == pytest.approx(np.mean(hits))


def test_lambda_one_joins_the_centres_before_rows_are_brought_back():
    given = spaces.gap(n=200, d=12, size=1.0)
    half, delta = judged(given)
    size = float(np.linalg.norm(delta))
    found = sweep(given, **SWEEP)
    at = int(np.argmin(np.abs(found.moves - size)))
    assert found.moves[at] == pytest.approx(size, abs=1e-6)
    assert 0 < abs(found.judged.sizes[at]) < 0.3  # small but not zero
    x, y = moved(half, delta / size, size)
    after = np.linalg.norm(x.mean(axis=0) - y.mean(axis=0))
    assert abs(found.judged.sizes[at]) == pytest.approx(after, abs=1e-5)
    assert found.judged.sizes[0] > 1.9  # pushed all the way apart
    assert found.judged.sizes[-1] < -1.8


def test_the_swept_gap_starts_at_today():
    given = uneven()
    found = find("gap_curve", given)
    assert found.curve.mark == pytest.approx(value("modality_gap", given), abs=0.05)
    assert found.curve.mark in found.curve.x
    assert (np.diff(found.curve.x) >= 0).all()
    assert find("gap_loss", given).curve.mark == found.curve.mark


def test_a_gap_that_decides_between_images_can_be_repaired():
    good, bad = find("gap_curve", spaces.paired()), find("gap_curve", uneven())
    assert good.verdict == "good"
    assert abs(good.value) < 0.02
    assert bad.verdict == "bad"
    assert bad.value > 0.1
    assert "instead of" in bad.sentence
    saved = find("gap_loss", uneven())
    assert saved.verdict == "bad"
    assert find("gap_loss", spaces.paired()).verdict == "good"
    assert saved.value > find("gap_loss", spaces.paired()).value


def test_the_gain_is_judged_on_pairs_that_did_not_choose_the_place():
    """Where there is nothing to gain the honest gain is around 0; the best of all is not."""
    gains, best = [], []
    for seed in range(20):
        found = sweep(spaces.paired(n=100, d=6, agreement=0.7, seed=seed), **SWEEP)
        recall = found.judged.recall(1)
        gains.append(recall[found.best(found.fitted.recall(1))] - recall[found.today])
        best.append(recall.max() - recall[found.today])
    assert -0.03 < np.mean(gains) < 0.01
    assert np.mean(best) > 0.01


@pytest.mark.parametrize("temperature", [1e-3, 1e-6])
def test_a_small_temperature_has_the_loss_of_the_formula(temperature):
    """Powers of cosines over it are below what a float64 holds."""
    given = spaces.paired(n=120, d=16, agreement=0.2)
    found = sweep(given, **{**SWEEP, "temperature": temperature})
    order = np.random.default_rng(0).permutation(120)[1::2]
    cosines = given.images[order].astype(np.float64) @ given.texts[order].T / temperature
    losses = sum(logsumexp(cosines, axis=i) - np.diag(cosines) for i in (0, 1)) / 2
    assert found.judged.losses[found.today] == pytest.approx(losses, rel=1e-6)
    group = np.arange(60) // 3
    kept = cosines[group != 7][:, group != 7]
    left = sum(logsumexp(kept, axis=i) for i in (0, 1)) / 2
    expected = (left - np.diag(kept)).mean()
    assert found.judged.jackknife[found.today, 7] == pytest.approx(expected, rel=1e-6)
    saved = find("gap_loss", given, temperature=temperature)
    assert np.isfinite([saved.value, saved.low, saved.high]).all()


def test_few_test_pairs_cannot_tell_whether_a_loss_is_lower():
    found = find("gap_loss", uneven(n=60))  # 30 to judge on: no interval
    assert not found.has_interval
    assert found.value > 1
    assert found.sentence.endswith("So few test pairs cannot tell whether the loss is lower.")
    enough = find("gap_loss", spaces.paired(d=16, agreement=0.6))
    assert "not significantly better" in enough.sentence


def test_one_centre_leaves_nothing_to_move_along():
    x = directions(20, 8)
    x = np.concatenate([x, -x])
    given = space(x, x, spaces.diagonal(40))
    for name in ("gap_curve", "gap_loss"):
        found = find(name, given)
        assert "share one center" in found.sentence
        assert found.value == 0
        assert found.curve is None
    assert "share one center" in find("gap_variance", given).sentence


def test_a_fitted_temperature_does_not_mistake_sharpness_for_a_gap():
    """Noisy pairs without a gap: at 0.01 the loss falls when all cosines are squeezed together."""
    given = spaces.paired(n=400, d=16, agreement=0.6)
    sharp, fitted = find("gap_loss", given, temperature=0.01), find("gap_loss", given)
    assert sharp.verdict == "bad"
    assert fitted.verdict == "good"
    found = sweep(given, **{**SWEEP, "temperature": 0.0})
    today = found.judged.losses[found.today].mean()
    for other in (0.5, 2.0):
        at = sweep(given, **{**SWEEP, "temperature": other * found.temperature})
        assert at.judged.losses[at.today].mean() > today
    assert f"temperature {found.temperature:.2g}" in fitted.detail


def test_captions_of_one_image_count_once():
    few = space(
        directions(12, 8),
        directions(60, 8, 1),
        np.column_stack([np.arange(60) // 5, 12 + np.arange(60)]),
    )
    for name in ("gap_curve", "gap_loss"):
        with pytest.raises(TooFew, match="16 pairs without an item in common; there are 12"):
            DIAGNOSTICS.get(name)(few)


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        ("gap_curve", {}),
        pytest.param("gap_loss", {"temperature": 0.05}, marks=pytest.mark.slow),
    ],
)
def test_intervals_know_how_far_two_samples_differ(name, fixed):
    given = uneven(n=2000, d=12, size=0.7)
    rng = np.random.default_rng(0)

    def drawn():
        rows = rng.choice(2000, 160, replace=False)
        return find(name, given.subset(np.concatenate([rows, 2000 + rows])), **fixed)

    covered = 0
    for one, other in pairwise(drawn() for _ in range(101)):
        wide = np.hypot(one.high - one.low, other.high - other.low) / 2
        covered += abs(one.value - other.value) <= wide
    assert covered >= 90


def test_opposed_constant_kinds_differ_in_nothing_else():
    x, y = np.tile([1.0, 0.0], (30, 1)), np.tile([0.0, 1.0], (30, 1))
    found = find("gap_variance", space(x, y, spaces.diagonal(30)))
    assert found.value == pytest.approx(1.0, abs=1e-6)
    assert "centers are 90° apart" in found.detail
    assert "AUC of 100%" in found.detail


def test_gap_variance_is_what_numpy_says():
    given = spaces.gap(n=200, d=12, size=0.5)
    x = given.vectors.astype(np.float64)
    line = x[:200].mean(axis=0) - x[200:].mean(axis=0)
    line /= np.linalg.norm(line)
    found = find("gap_variance", given)
    assert found.value == pytest.approx((x @ line).var() / x.var(axis=0).sum(), abs=1e-6)
    auc = roc_auc_score(np.arange(400) < 200, x @ line)
    stated = float(found.detail.split("AUC of ")[1].split("%")[0])
    assert stated / 100 == pytest.approx(auc, abs=0.03)


def test_one_cloud_has_no_share_and_no_order():
    found = find("gap_variance", spaces.ball(n=2000, d=32))
    assert found.value == pytest.approx(found.reference.value, rel=0.1)
    assert found.reference.value == pytest.approx(1 / 32, rel=0.05)
    low, high = re.search(r"AUC of \d+% \((\d+) to (\d+)%\)", found.detail).groups()
    assert float(low) <= 50 <= float(high)
    bad = find("gap_variance", spaces.gap(size=2.0))
    assert bad.verdict == "watch"  # the gap itself is what may be bad
    assert bad.value > found.value


def test_the_interval_of_the_share_has_the_right_width():
    def draw(seed):
        rng = np.random.default_rng(seed)
        shape = np.linspace(2, 0.5, 12)
        x, y = rng.standard_normal((2, 200, 12)) * shape
        return space(x + np.eye(12)[1], y - np.eye(12)[1], spaces.diagonal(200))

    drawn = [find("gap_variance", draw(seed)) for seed in range(100)]
    true = np.std([f.value for f in drawn], ddof=1)
    stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
    assert 0.75 < stated / true < 1.3, stated / true
