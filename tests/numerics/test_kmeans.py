"""k-means."""

import numpy as np

from core.numerics.kmeans import centers_of, nearest_center
from tests.fixtures.spaces import directions


def test_inertia_is_about_that_of_scikit_learn():
    from sklearn.cluster import KMeans

    rows = np.concatenate([directions(300, 12), np.repeat(directions(9, 12, 1), 30, axis=0)])
    rows = rows.astype(np.float32)
    centres = centers_of(rows, 20)
    mine = ((rows - centres[nearest_center(rows, centres)]) ** 2).sum()
    assert mine < 1.1 * KMeans(20, n_init=1, random_state=0).fit(rows).inertia_
    nearest = np.linalg.norm(rows[:, None] - centres[None], axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest_center(rows, centres), nearest)
