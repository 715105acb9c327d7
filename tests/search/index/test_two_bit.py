"""Two steps find what one finds; the estimates have the error that they state."""

import numpy as np
import pytest

from core.numerics import kernels
from core.numerics.neighbors import top_k
from core.numerics.sampling import thinned
from core.search.index import two_bit
from core.types.space import Space


def unit(x):
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def cloud(rng, n, d, tilt=1.0):
    """Rows in a cone with a power-law spectrum, in clusters."""
    spread = (
        np.arange(1, d + 1) ** -tilt * rng.normal(size=(n // 50, d))[rng.integers(n // 50, size=n)]
    )
    return unit(2 * np.eye(d)[0] + spread + 0.3 * rng.normal(size=(n, d)) / np.sqrt(d))


def space_of(vectors, offset=None):
    ids = tuple(map(str, range(len(vectors))))
    more = {} if offset is None else {"offset": offset}
    return Space(vectors, ids, len(vectors) // 2, **more)


@pytest.mark.parametrize("d", [20, 64, 200, 512])
def test_two_steps_find_what_one_finds(rng, d):
    space = space_of(cloud(rng, 6000, d))
    offset = (0.05 * rng.normal(size=space.n)).astype(np.float32)
    for share in (1.0, 0.4, 0.01, 0.0005):
        mask = rng.random(space.n) < share
        for bias in (None, offset):
            query = unit(space.vectors[3] + 0.3 * rng.normal(size=d) / np.sqrt(d))
            rows, scores = two_bit.top_k(space, query, 10, offset=bias, mask=mask)
            expected = top_k(query[None], space.vectors, 10, offset=bias, mask=mask)
            np.testing.assert_array_equal(rows, expected[0][0])
            np.testing.assert_allclose(scores, expected[1][0], atol=1e-6)


def test_its_recall_is_what_it_promises(rng):
    space = space_of(cloud(rng, 20_000, 128))
    queries = unit(space.vectors[:100] + 0.5 * rng.normal(size=(100, 128)) / np.sqrt(128))
    exact, _ = top_k(queries, space.vectors, 10)
    found = [two_bit.top_k(space, q, 10)[0] for q in queries]
    kept = [len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True)]
    assert np.sum(kept) >= 999


@pytest.mark.parametrize("tilt", [0.0, 1.0])
def test_estimates_are_unbiased_with_the_error_they_state(rng, tilt):
    space = space_of(cloud(rng, 20_000, 256, tilt))
    made = two_bit.sketch(space)
    for query in unit(rng.normal(size=(5, 256))), unit(space.vectors[:5] + 0.02):
        for q in query:
            estimated, error = made.estimates(q)
            z = (estimated - space.vectors @ q) / error
            assert abs(z.mean()) < 0.1
            assert 0.9 < z.std() < 1.1


def test_it_takes_a_sixteenth_of_the_memory(rng):
    space = space_of(unit(rng.normal(size=(1000, 512))))
    assert two_bit.sketch(space).nbytes == space.vectors.nbytes / 16 + 4 * space.n


def test_nearly_equal_vectors_are_compared_one_by_one(rng):
    """Where the codes cannot separate rows, nothing is lost but time."""
    vectors = unit(np.eye(64)[0] + 1e-5 * rng.normal(size=(3000, 64)))
    vectors[:500] = vectors[0]
    rows, _ = two_bit.top_k(space_of(vectors), vectors[0], 600)
    np.testing.assert_array_equal(rows[:500], np.arange(500))
    same = space_of(np.repeat(np.eye(8, dtype=np.float32)[:1], 900, axis=0))
    assert two_bit.top_k(same, same.vectors[0], 3)[0].tolist() == [0, 1, 2]


def test_fewer_rows_than_k_come_back_whole(rng):
    space = space_of(unit(rng.normal(size=(900, 16))))
    mask = np.zeros(900, bool)
    mask[[5, 7]] = True
    assert set(two_bit.top_k(space, space.vectors[7], 9, mask=mask)[0].tolist()) == {5, 7}
    assert len(two_bit.top_k(space, space.vectors[7], 9, mask=np.zeros(900, bool))[0]) == 0


def test_codes_stay_in_their_own_cache_which_is_small(rng):
    first, *more = [space_of(unit(rng.normal(size=(120, 16)))) for _ in range(two_bit.KEPT + 1)]
    made = two_bit.sketch(first)
    for most in range(1, 101):
        thinned(first, most)
    assert two_bit.sketch(first) is made
    for space in more:
        two_bit.sketch(space)
    assert two_bit.sketch(first) is not made


def test_threads_share_all_rows_and_none_twice():
    counts = np.zeros(5000, int)

    def count(start, stop):
        counts[start:stop] += 1

    kernels.parallel(count, 5000)
    kernels.parallel(count, 0)
    assert (counts == 1).all()
