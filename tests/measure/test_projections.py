"""Projections: what they keep, and how the modality gap is removed."""

import numpy as np
import pytest

from core.measure import PROJECTIONS
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


@projections
@pytest.mark.parametrize("name", SPACES)
def test_a_projection_places_every_item(part, name):
    space = SPACES[name]
    xy = part(space)
    assert xy.shape == (space.n, 2)
    assert xy.dtype == np.float32
    assert np.isfinite(xy).all()
    np.testing.assert_array_equal(xy, part(space))


@projections
def test_a_projection_can_remove_the_gap(part):
    space = spaces.gap(n=100, d=16, size=1.5)

    def apart(xy):
        return np.linalg.norm(xy[:100].mean(axis=0) - xy[100:].mean(axis=0)) / xy.std()

    assert apart(part(space)) > 1
    assert apart(part(space, gap="remove")) < 0.3


def test_pca_is_exact():
    space = spaces.gap(n=100, d=16)
    x = space.vectors - space.vectors.mean(axis=0, dtype=np.float64)
    _, s, _ = np.linalg.svd(x)
    xy = PROJECTIONS.get("pca")(space)
    np.testing.assert_allclose(np.linalg.norm(xy, axis=0), s[:2], rtol=1e-5)


def test_umap_keeps_clusters_together_and_places_what_it_left_out():
    centres = np.repeat(spaces.directions(3, 16), 100, axis=0)
    space = spaces.space(centres + 0.1 * spaces.directions(300, 16, 1))
    xy = PROJECTIONS.get("umap")(space, sample=150)
    groups = xy.reshape(3, 100, 2)
    middles = groups.mean(axis=1)
    nearest = np.linalg.norm(xy[:, None] - middles, axis=2).argmin(axis=1)
    assert (nearest == np.repeat([0, 1, 2], 100)).mean() > 0.99
