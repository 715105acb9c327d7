"""Several parts become one direction as the mix promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadParameter, InputError
from core.numerics.directions import balanced, on_sphere, spreads, summed
from core.search.query.encode import encode
from core.store import EncodedCollection
from core.types.item import Passport
from core.types.query import Part, Query
from tests.fixtures import spaces

seeds = st.integers(0, 10_000)


def opened(space):
    """A space alone: queries of its items need neither the store nor an encoder."""
    return EncodedCollection(None, Passport("none", "", "", space.d), space, "")


def rows(m, d=12, seed=0):
    found = np.random.default_rng(seed).normal(size=(m, d))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def over(parts, weights, means, candidates):
    """Balanced over candidates."""
    return balanced(parts, weights, means, spreads(parts, means, candidates))


def angle(a, b):
    return np.arctan2(np.linalg.norm(a - (a @ b) * b), a @ b)


@given(seeds, st.floats(0.01, 0.99))
def test_slerp_divides_the_angle_by_the_weights(seed, share):
    a, b = rows(2, seed=seed)
    between = on_sphere(np.stack([a, b]), np.array([share, 1 - share]))
    assert np.linalg.norm(between) == pytest.approx(1)
    assert angle(between, b) == pytest.approx(share * angle(a, b), abs=1e-9)


@given(seeds)
def test_slerp_at_equal_weights_is_the_normalized_sum(seed):
    two = rows(2, seed=seed)
    np.testing.assert_allclose(on_sphere(two, np.ones(2)), summed(two, np.ones(2)), atol=1e-12)


@given(seeds, st.integers(3, 6))
def test_the_mean_of_several_has_no_pull_left(seed, m):
    given_rows = rows(m, seed=seed) + 1  # within half a sphere: one mean
    given_rows /= np.linalg.norm(given_rows, axis=1, keepdims=True)
    weights = np.random.default_rng(seed).uniform(0.1, 2, m)
    mean = on_sphere(given_rows, weights)
    cosines = given_rows @ mean
    away = given_rows - cosines[:, None] * mean
    pull = weights @ (away * (np.arccos(cosines) / np.linalg.norm(away, axis=1))[:, None])
    assert np.linalg.norm(mean) == pytest.approx(1)
    assert np.linalg.norm(pull) < 1e-6
    twice = on_sphere(np.vstack([given_rows, given_rows]), np.append(weights, weights))
    np.testing.assert_allclose(twice, mean, atol=1e-8)


def test_nearly_equal_parts_have_a_middle_and_opposite_ones_have_none():
    a = rows(1)[0]
    near = a + 1e-9 * rows(1, seed=1)[0]
    np.testing.assert_allclose(on_sphere(np.stack([a, near]), np.ones(2)), a, atol=1e-8)
    with pytest.raises(InputError, match="Two parts of this query are opposite"):
        on_sphere(np.stack([a, -a]), np.array([2.0, 1.0]))
    with pytest.raises(InputError, match="cancel each other out"):
        summed(np.stack([a, -a]), np.ones(2))


@given(seeds)
def test_parts_against_are_taken_off(seed):
    a, b, c = rows(3, seed=seed)
    for mix in (summed, on_sphere):
        found = mix(np.stack([a, b, c]), np.array([1.0, 1.0, -0.5]))
        plain = mix(np.stack([a, b]), np.ones(2))
        assert found @ c < plain @ c


@given(seeds)
@settings(max_examples=30)
def test_equal_weights_move_the_scores_equally(seed):
    """A part along which candidates hardly differ counts as much as one along which they do."""
    rng = np.random.default_rng(seed)
    candidates = rng.normal(size=(500, 12)) * np.linspace(2, 0.1, 12)
    candidates -= candidates.mean(axis=0)
    parts, means = rows(2, seed=seed), 0.5 * rows(2, seed=seed + 1)
    alone = [over(parts[i : i + 1], np.ones(1), means[i : i + 1], candidates) for i in (0, 1)]
    both = over(parts, np.ones(2), means, candidates)
    units = np.stack([one / (candidates @ one).std() for one in alone])
    np.testing.assert_allclose(both, summed(units, np.ones(2)), atol=1e-9)


@given(seeds)
def test_a_weight_of_almost_nothing_leaves_the_other_part(seed):
    parts = rows(2, seed=seed)
    seen = rows(100, seed=seed + 1)
    seen -= seen.mean(axis=0)
    nothing = np.zeros((2, 12))
    for mix in (summed, on_sphere, lambda v, w: over(v, w, nothing, seen)):
        np.testing.assert_allclose(mix(parts, np.array([1, 1e-12])), parts[0], atol=1e-9)


@given(seeds)
def test_moving_a_kind_as_a_whole_changes_nothing(seed):
    parts, seen = rows(2, seed=seed), rows(60, seed=seed + 1)
    seen -= seen.mean(axis=0)
    means, shift = rows(2, seed=seed + 2), rows(1, seed=seed + 3)
    weights = np.array([1.0, 0.7])
    moved = over(parts + shift, weights, means + shift, seen)
    np.testing.assert_allclose(moved, over(parts, weights, means, seen), atol=1e-9)


def test_few_or_equal_candidates_give_the_plain_sum():
    parts, weights = rows(2), np.array([1.0, 0.5])
    plain = summed(parts, weights)
    for seen in (rows(9), np.zeros((50, 12))):
        np.testing.assert_array_equal(over(parts, weights, np.zeros((2, 12)), seen), plain)


def test_a_picture_and_a_text_count_the_same_in_a_space_with_a_gap():
    """By sums the picture decides the order; balanced, both do."""
    space = spaces.gap(n=400, d=24, size=1.0)
    query = Query((Part(item=space.ids[0]), Part(item=space.ids[401])), ("image",))
    mixed = encode(opened(space), [query])[0]
    scores = space.images @ mixed
    pull = []
    for row, kind in ((0, space.images), (401, space.texts)):
        centered = space.vectors[row] - kind.mean(axis=0)
        pull.append(np.cov(scores, space.images @ centered)[0, 1] / (space.images @ centered).std())
    assert pull[0] == pytest.approx(pull[1], rel=1e-3)


def test_one_part_is_that_part_whatever_the_mix():
    space = spaces.paired(n=30, d=8)
    for mix in ("sum", "slerp", "balanced"):
        query = Query((Part(item=space.ids[3], weight=0.3),), mix=mix)
        np.testing.assert_array_equal(encode(opened(space), [query])[0], space.vectors[3])


def test_mixes_and_templates_have_names():
    with pytest.raises(BadParameter, match="mix is 'product'; allowed: 'sum', 'slerp', 'balanced'"):
        Query((Part("a"),), mix="product")
    with pytest.raises(BadParameter, match="template is 'poem'; allowed: '', 'photo', 'ensemble'"):
        Query((Part("a"),), template="poem")
