"""Compressors against closed forms; every one scores what it decodes and counts what it keeps."""

import numpy as np
import pytest

from core.errors import InputError
from core.improve import COMPRESSORS, compressed, fit_way, parse_way
from core.improve.axes import frank_wolfe, loss, principal, sphering
from core.types import KINDS
from tests.fixtures import spaces

NAMES = list(COMPRESSORS.all())
IDENTITY = (
    "float32",
    "truncation:dims=8192:numbers=float32",
    "truncation:dims=8192:numbers=float32:order=pca",
    "truncation:dims=8192:numbers=float32:order=stored",
)


@pytest.fixture(scope="module")
def space():
    """Images and texts that agree, of uneven variance, on either side of a gap."""
    good = spaces.paired(400, 16, agreement=0.8)
    spread = np.geomspace(1, 0.1, 16)
    side = np.zeros(16)
    side[-1] = 0.7
    return spaces.space(good.images * spread + side, good.texts * spread - side, good.pairs)


def kept(space, way):
    step = parse_way(way)
    return compressed(space, fit_way(space, step), step)


@pytest.mark.parametrize("way", IDENTITY)
def test_settings_that_drop_nothing_keep_every_bit(way, space):
    after = kept(space, way)
    for kind in KINDS:
        np.testing.assert_array_equal(after.rows(kind), space.vectors[space.span(kind)])
    np.testing.assert_array_equal(
        after.scores(space.texts, "text")[:, : space.n_images], space.texts @ space.images.T
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_score_is_the_inner_product_with_the_decoded_row(name, space):
    after = kept(space, name)
    for query_kind in KINDS:
        queries = space.vectors[space.span(query_kind)][:9]
        met = after.fitted.queries(queries, query_kind)
        decoded = np.concatenate([after.rows(kind) for kind in KINDS])
        found = after.scores(queries, query_kind)
        assert found == pytest.approx(met @ decoded.T, abs=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_alone_has_the_code_it_has_among_others(name, space):
    fitted = fit_way(space, parse_way(name))
    for kind in KINDS:
        rows = space.vectors[space.span(kind)]
        whole, alone = fitted.encode(rows, kind), fitted.encode(rows[7:8], kind)
        for part, array in alone.items():
            assert array[0] == pytest.approx(whole[part][7], abs=1e-6)
        assert fitted.decode(fitted.encode(rows[:0], kind), kind).shape[0] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_it_was_not_fitted_on_is_refused(name, space):
    fitted = fit_way(space.subset(np.arange(space.n_images)), parse_way(name))
    with pytest.raises(InputError, match="without texts"):
        fitted.encode(space.texts, "text")


@pytest.mark.parametrize(("rows", "queries"), [(0, 1), (2, 3)])
def test_the_loss_of_leanvec_is_the_sum_of_the_eigenvalues_it_drops(rows, queries):
    turn = [spaces.directions(40, 12, seed) * np.geomspace(1, 0.2, 12) for seed in (rows, queries)]
    covariance, second = (x.T @ x / len(x) for x in turn)
    down, up = sphering(covariance, second)
    root = np.linalg.cholesky(second).T
    dropped = np.sort(np.linalg.eigvalsh(root @ covariance @ root.T))
    for dims in (1, 4, 11):
        least = loss(covariance, second, down[:, :dims], up[:dims])
        assert least == pytest.approx(dropped[: 12 - dims].sum(), rel=1e-4)
        axes = principal(covariance)[:, :dims]
        assert least <= loss(covariance, second, axes, axes.T)
        walked = loss(covariance, second, *frank_wolfe(covariance, second, dims))
        assert least <= walked <= loss(covariance, second, axes, axes.T) * (1 + 1e-9)


def test_leanvec_for_queries_in_all_directions_is_pca():
    rows = spaces.directions(60, 8) * np.geomspace(1, 0.2, 8)
    covariance = rows.T @ rows / 60
    down, up = sphering(covariance, np.eye(8))
    axes = principal(covariance)[:, :3]
    assert down[:, :3] @ up[:3] == pytest.approx(axes @ axes.T, abs=1e-8)


def test_the_error_of_a_pca_prefix_is_the_variance_it_drops(space):
    for kind in KINDS:
        rows = space.vectors[space.span(kind)].astype(np.float64)
        dropped = np.sort(np.linalg.eigvalsh(np.cov(rows.T, bias=True)))[: 16 - 5].sum()
        after = kept(space, "truncation:dims=5:order=pca:numbers=float32")
        assert np.square(after.rows(kind) - rows).sum(axis=1).mean() == pytest.approx(
            dropped, rel=1e-3
        )


@pytest.mark.parametrize(
    ("way", "code_bytes"),
    [
        ("float32", 64), ("float16", 32), ("int8", 16), ("int8:per=row", 20),
        ("truncation:dims=4", 8), ("truncation:dims=9:numbers=int4", 8),
    ],
)  # fmt: skip
def test_bytes_are_those_of_the_arrays(way, code_bytes, space):
    after = kept(space, way)
    assert after.code_bytes == code_bytes
    assert after.nbytes == sum(array.nbytes for array in after.arrays.values())
    assert after.bytes_per_item >= code_bytes


@pytest.mark.parametrize("way", ["int8", "int8:per=row", "truncation:dims=16:numbers=int8"])
def test_eight_bits_are_within_half_a_step(way, space):
    after = kept(space, way)
    for kind in KINDS:
        rows = space.vectors[space.span(kind)]
        assert np.abs(after.rows(kind) - rows).max() < 0.01


@pytest.mark.parametrize("numbers", ["float16", "int4"])
def test_more_dimensions_never_lose_more(numbers, space):
    def error(dims):
        after = kept(space, f"truncation:dims={dims}:order=pca:numbers={numbers}")
        return np.square(after.rows("image") - space.images).mean()

    errors = [error(dims) for dims in (1, 2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)


def test_what_the_report_raises_ends_the_work(space):
    def stop(done, of):
        raise InputError("stopped")

    step = parse_way("int8")
    with pytest.raises(InputError, match="stopped"):
        compressed(space, fit_way(space, step), step, stop)
