"""Intervals of diagnostics: as wide as they should be, and covering what a sample hides."""

from collections import Counter

import numpy as np
import pytest

from core.measure.diagnostics import DIAGNOSTICS
from core.measure.pair_ranks import pair_ranks
from core.numerics.sampling import thinned
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space


@pytest.mark.slow
def test_intervals_over_items_have_the_right_width():
    """The stated error against the deviation over many samples of one cloud."""

    def draw(seed):
        rng = np.random.default_rng(seed)
        shape = np.linspace(2, 0.2, 16)
        x = rng.standard_normal((200, 16)) * shape + np.eye(16)[0]
        y = x + rng.standard_normal((200, 16)) - 1.5 * np.eye(16)[1]
        return space(x, y, spaces.diagonal(200))

    names = ("alignment", "uniformity", "modality_gap", "effective_rank", "isotropy", "mean_cosine")
    drawn = [[f for name in names for f in DIAGNOSTICS.get(name)(draw(s))] for s in range(100)]
    for findings in zip(*drawn, strict=True):
        true = np.std([f.value for f in findings], ddof=1)
        stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in findings])
        # The gap's own noise is taken as if the kinds were not paired, which is on the safe side.
        widest = 1.8 if findings[0].name == "modality_gap" else 1.25
        assert 0.8 < stated / true < widest, (findings[0].name, findings[0].scope)


@pytest.mark.parametrize(
    ("name", "scopes", "sampled", "full"),
    [
        pytest.param(
            "uniformity",
            ("image", "joint"),
            {"pairs": 1000},
            {"pairs": 5_000_000},
            marks=pytest.mark.slow,
        ),
        ("near_duplicates", ("image",), {"queries": 100, "threshold": 0.8}, {"threshold": 0.8}),
        pytest.param(
            "intrinsic_dimension", ("image",), {"queries": 100}, {}, marks=pytest.mark.slow
        ),
        ("hubness", ("image", "joint"), {"queries": 100}, {}),
    ],
)
def test_a_sampled_interval_covers_the_exact_value(name, scopes, sampled, full):
    measure, covered = DIAGNOSTICS.get(name), Counter()
    for seed in range(100):
        x = directions(400, 6, seed) + 0.3
        given = space(x[:200], x[200:], spaces.diagonal(200))
        exact = {f.scope: f.value for f in measure(given, **full)}
        for found in measure(given, **sampled):
            covered[found.scope] += found.low <= exact[found.scope] <= found.high
    assert all(covered[scope] >= 90 for scope in scopes)


def apart(n=500, d=4):
    """Kinds that a cut tells apart for most items."""
    aside = 0.35 * np.eye(d)[0]
    return space(directions(n, d) + aside, directions(n, d, 1) - aside, spaces.diagonal(n))


def asleep(n=2000, d=20):
    """Six coordinates that move for 2 to 10 items in a hundred."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, d))
    awake = rng.random((n, 6)) < 0.02 + 0.016 * np.arange(6)
    return space(np.column_stack([np.where(awake, 5 * x[:, :6], 0), x[:, 6:]]))


@pytest.mark.parametrize(
    ("name", "given", "sampled", "full"),
    [
        ("separability", apart(), {"sample": 150}, {}),
        ("dimension_activity", asleep(), {"rows": 200}, {}),
        (
            "class_subspaces",
            spaces.clustered(directions(3, 10), 400, 1.4),
            {"sample": 100, "directions": 5},
            {"directions": 5},
        ),
        (
            "shape_similarity",
            spaces.clustered(directions(6, 10), 150, np.linspace(1, 0.2, 6)),
            {"sample": 50, "p": 2},
            {"p": 2},
        ),
    ],
)
def test_a_part_that_is_drawn_by_place_covers_the_exact_value(name, given, sampled, full):
    """Another order of the items is another sample of the same space."""
    scope = "joint" if name == "separability" else "image"
    exact = value(name, given, scope, **full)
    found = [find(name, spaces.reordered(given, s), scope, **sampled) for s in range(100)]
    assert len({f.value for f in found}) > 1
    assert sum(f.low - 1e-9 <= exact <= f.high + 1e-9 for f in found) >= 90


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("hubness", "joint"),
        ("coverage", "joint"),
        ("pair_hardness", "pairs"),
        pytest.param("codebook_collapse", "image", marks=pytest.mark.slow),
        pytest.param("local_dimension", "image", marks=pytest.mark.slow),
        pytest.param("manifold_entropy", "image", marks=pytest.mark.slow),
        ("intrinsic_dimension", "image"),
    ],
)
def test_where_the_value_depends_on_how_many_a_part_covers_others_of_its_size(name, scope):
    given = space(directions(1500, 8) + 0.2, directions(1500, 8, 1) + 0.2, spaces.diagonal(1500))
    found = []
    for seed in range(100):
        rows = np.random.default_rng(seed).choice(1500, 100, replace=False)
        found.append(find(name, given.subset(np.concatenate([rows, 1500 + rows])), scope))
    middle = np.mean([f.value for f in found])
    assert sum(f.low <= middle <= f.high for f in found) >= 90


def test_huge_spaces_are_measured_on_a_part():
    given = spaces.paired(n=500, d=8)
    part, rows = thinned(given, 200)
    assert (part.n_images, part.n) == (200, 400)
    np.testing.assert_array_equal(part.vectors, given.vectors[rows])
    found = find("hubness", given, "image", candidates=200)
    assert np.isfinite(found.per_item).sum() == 200
    assert found.sampled == "random 200 lists of 10 among 200 of 500 images"
    assert find("hubness", given, "image").sampled.startswith("exact, all 500 lists")


def test_what_is_not_affordable_is_sampled_and_the_interval_says_so():
    given = spaces.duplicated(n=700, d=8)
    whole, part = (find("near_duplicates", given, "image", budget=b) for b in (500, 1e-4))
    assert whole.sampled.startswith("exact, all 700")
    assert part.sampled == "random 500 of 700 images, each compared with all"
    assert part.low <= whole.value <= part.high
    assert part.high - part.low > whole.high - whole.low


def test_margins_and_ranks_of_few_texts_are_those_of_all(monkeypatch):
    given = spaces.paired(n=700, d=8, agreement=0.5)
    every = pair_ranks(given)
    monkeypatch.setattr("core.measure.pair_ranks.AFFORDABLE", 1.0)
    monkeypatch.setattr("core.measure.pair_ranks.IMAGES", 64)
    some = pair_ranks(given, seed=1)
    assert (len(every.texts), len(some.texts), some.n_texts) == (700, 500, 700)
    at = np.searchsorted(every.texts, some.texts)
    np.testing.assert_array_equal(some.rank, every.rank[at])
    np.testing.assert_array_equal(some.rival, every.rival[at])
    np.testing.assert_allclose(some.rival_score, every.rival_score[at], atol=1e-6)
