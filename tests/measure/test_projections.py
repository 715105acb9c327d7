"""Projections: what they keep, how the modality gap is removed, where further items are placed."""

from threading import Thread

import numpy as np
import pytest

from core.errors import Cancelled, InputError
from core.measure import PROJECTIONS, placed_between
from tests.fixtures import spaces
from tests.fixtures.parts import each_part

projections = each_part(PROJECTIONS)
SPACES = {
    "ball": spaces.ball(d=8),
    "gap": spaces.gap(),
    "duplicated": spaces.duplicated(),
    "images only": spaces.space(spaces.directions(50, 16)),
    "texts only": spaces.space((), spaces.directions(50, 16)),
    "two dimensions": spaces.ball(d=2),
    "one dimension": spaces.space([[1.0], [-1.0], [1.0]] * 10, [[1.0], [-1.0]] * 15),
    "few": spaces.paired(n=3, d=4),
}
# Compiled anew or iterated in each call: the rows they are given are those of UMAP.
HEAVY = {"densmap": ("images only", "few"), "tsne": ("one dimension", "few")}


def settings_of(part):
    return {p.name for p in part.params}


@projections
@pytest.mark.parametrize("name", SPACES)
def test_a_projection_places_every_item(part, name):
    if name not in HEAVY.get(part.name, SPACES):
        pytest.skip("one of the heavy layouts")
    space = SPACES[name]
    try:
        xy = part(space)
    except InputError as refused:
        pytest.skip(str(refused))
    assert xy.shape == (space.n, 2)
    assert xy.dtype == np.float32
    assert np.isfinite(xy).all()
    np.testing.assert_array_equal(xy, part(space))


@projections
def test_a_projection_can_remove_the_gap(part):
    if "gap" not in settings_of(part) or part.name in HEAVY:
        pytest.skip("its rows are those of UMAP" if part.name in HEAVY else "it shows the gap")
    space = spaces.gap(n=100, d=16, size=1.5)

    def apart(xy):
        return np.linalg.norm(xy[:100].mean(axis=0) - xy[100:].mean(axis=0)) / xy.std()

    assert apart(part(space)) > 1
    assert apart(part(space, gap="remove")) < 0.4


def test_the_gap_view_has_the_gap_across_in_true_length():
    space = spaces.gap(n=200, d=16, size=1.2)
    xy = PROJECTIONS.get("gap_view")(space)
    images, texts = xy[:200].mean(axis=0), xy[200:].mean(axis=0)
    true = np.linalg.norm(space.images.mean(axis=0) - space.texts.mean(axis=0))
    assert images - texts == pytest.approx([true, 0], abs=1e-5)
    with pytest.raises(InputError, match="Add texts"):
        PROJECTIONS.get("gap_view")(SPACES["images only"])


def test_pca_is_exact():
    space = spaces.gap(n=100, d=16)
    x = space.vectors - space.vectors.mean(axis=0, dtype=np.float64)
    _, s, _ = np.linalg.svd(x)
    xy = PROJECTIONS.get("pca")(space)
    np.testing.assert_allclose(np.linalg.norm(xy, axis=0), s[:2], rtol=1e-5)


@pytest.mark.parametrize("name", ["umap", "fastrp"])
def test_clusters_stay_together_and_what_was_left_out_is_placed(name):
    centres = np.repeat(spaces.directions(3, 16), 100, axis=0)
    space = spaces.space(centres + 0.1 * spaces.directions(300, 16, 1))
    xy = PROJECTIONS.get(name)(space, sample=150)
    groups = xy.reshape(3, 100, 2)
    middles = groups.mean(axis=1)
    nearest = np.linalg.norm(xy[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == np.repeat([0, 1, 2], 100)).mean() > 0.99


def test_kinds_are_laid_out_apart_beside_each_other():
    space = spaces.gap(n=40, d=16, size=0.0)
    xy = PROJECTIONS.get("fastrp")(space, kinds="apart")
    assert xy[:40, 0].max() < xy[40:, 0].min()
    alone = PROJECTIONS.get("fastrp")(spaces.space(space.images))
    moved = xy[:40] - xy[:40].mean(axis=0)
    np.testing.assert_allclose(moved, alone - alone.mean(axis=0), atol=1e-4)


def test_a_layout_started_from_another_map_stays_near_it():
    from scipy.spatial import procrustes

    space, other = spaces.ball(n=60, d=16), spaces.ball(n=60, d=16, seed=1)
    umap = PROJECTIONS.get("umap")
    first, alone = umap(space), umap(other)
    seeded = umap(other, first)
    assert procrustes(first, seeded)[2] < procrustes(first, alone)[2]


@pytest.mark.parametrize("name", ["umap", "tsne"])
def test_a_slow_layout_reports_each_step_and_stops_when_cancelled(name):
    steps = []

    def progress(done, total):
        steps.append((done, total))
        if total > 100:
            raise Cancelled

    with pytest.raises(Cancelled):
        PROJECTIONS.get(name)(spaces.ball(n=50, d=8), None, progress)
    assert steps[0] == (0, 100)
    assert steps[-1][1] > 100


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_cancelled_layout_does_not_keep_others_from_being_computed(epochs):
    space = spaces.ball(n=2000, d=8)

    def progress(done, total):
        if total < 1000 and done >= epochs:  # not the rows whose neighbors are searched
            raise Cancelled

    with pytest.raises(Cancelled):
        PROJECTIONS.get("umap")(space, None, progress)
    other = Thread(target=PROJECTIONS.get("umap"), args=(space,), daemon=True)
    other.start()
    other.join(60)
    assert not other.is_alive()


def test_further_items_are_placed_and_known_ones_stay_among_many():
    rng = np.random.default_rng(0)
    centres = spaces.directions(4, 200)[rng.integers(0, 4, 900)]
    rows = spaces.unit(centres + 0.3 * spaces.directions(900, 200, 1)).astype(np.float32)
    known = np.arange(900) < 600
    xy = rows[:, :2]
    places = placed_between(rows, known, xy[known])
    exact = np.argsort(-(rows[~known] @ rows[known].T), axis=1)[:, :5]
    cosines = np.take_along_axis(rows[~known] @ rows[known].T, exact, axis=1)
    weights = np.exp(20 * (cosines - cosines[:, :1]))
    weights /= weights.sum(axis=1, keepdims=True)
    true = np.einsum("ij,ijk->ik", weights, xy[known][exact])
    assert np.median(np.linalg.norm(places - true, axis=1)) < 0.02
