"""Compressors against closed forms; every one scores what it decodes and counts what it keeps."""

import tracemalloc

import numpy as np
import pytest

from core.errors import InputError
from core.improve import COMPRESSORS, compressed, fit_way, parse_way, with_progress
from core.improve.axes import frank_wolfe, loss, principal, sphering
from core.improve.bit_training import softmax_loss
from core.improve.codebooks import shares
from core.improve.quantizers import Centroids, taken
from core.types import KINDS
from tests.fixtures import spaces

WAYS = [
    f"{name}:parts=4" if any(p.name == "parts" for p in part.params) else name
    for name, part in COMPRESSORS.all().items()
] + ["rabitq:bits=2:centers=5"]
SCORED = ["bebr:bits=2", "rabitq:bits=2", "rabitq:centers=4", "int8", "pq:parts=8", "float16"]
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


@pytest.mark.parametrize("way", [*WAYS, "truncation:dims=5:numbers=int4", "rabitq:bits=3"])
def test_a_score_is_the_inner_product_with_the_decoded_row(way, space):
    after = kept(space, way)
    for query_kind in KINDS:
        queries = space.vectors[space.span(query_kind)][:20]
        met = after.fitted.queries(queries, query_kind)
        decoded = np.concatenate([after.rows(kind) for kind in KINDS])
        found = after.scores(queries, query_kind)
        assert found == pytest.approx(met @ decoded.T, abs=2e-5)
        few = after.scores(queries[:2], query_kind) - found[:2]  # from the codes as they are
        in_planes = any(codes["code"].ndim == 3 for codes in after.codes.values())
        exact = not in_planes or after.fitted.symmetric
        assert np.abs(few).max() <= (1e-6 if exact else 2e-3)
        assert few.std() <= (1e-6 if exact else 5e-4)


@pytest.mark.parametrize("way", WAYS)
def test_a_row_alone_has_the_code_it_has_among_others(way, space):
    fitted = fit_way(space, parse_way(way))
    for kind in KINDS:
        rows = space.vectors[space.span(kind)]
        whole, alone = fitted.encode(rows, kind), fitted.encode(rows[7:8], kind)
        among = taken(whole, slice(7, 8))
        for part, array in taken(alone, slice(None)).items():
            assert array == pytest.approx(among[part], abs=1e-6)
        assert fitted.decode(fitted.encode(rows[:0], kind), kind).shape[0] == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_kind_it_was_not_fitted_on_is_refused(way, space):
    fitted = fit_way(space.subset(np.arange(space.n_images)), parse_way(way))
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
        ("rabitq:bits=3", 14), ("rabitq:bits=3:centers=4", 18), ("bebr:bits=2", 4),
        ("pq:parts=8", 8), ("truncation:dims=4", 8), ("truncation:dims=9:numbers=int4", 8),
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


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_bits_of_a_normal_row_have_the_cosine_that_is_known(bits):
    """sqrt(2 / pi) for one bit; the others as measured for the greedy recursion."""
    rows = spaces.space(spaces.directions(300, 512))
    after = kept(rows, f"bebr:bits={bits}:distance=asymmetric")
    cosines = np.einsum("ij,ij->i", rows.images, after.space(rows).vectors)
    assert cosines.mean() == pytest.approx([0.7979, 0.934, 0.973, 0.985][bits - 1], abs=0.004)
    best = kept(rows, f"rabitq:bits={bits}").space(rows).vectors
    assert np.einsum("ij,ij->i", rows.images, best).mean() >= cosines.mean() - 1e-3


def test_one_bit_ranks_by_hamming_distance(space):
    after = kept(space, "bebr")
    codes = after.codes["image"]["code"][:, 0]
    found = after.scores(space.images[:5], "image")[:, : space.n_images]
    apart = np.bitwise_count(codes[:5, None] ^ codes).sum(axis=2)
    assert found == pytest.approx(1 - 2 * apart / 16, abs=1e-5)


def test_scores_of_rotated_bits_are_right_on_average():
    """Around 0, over rotations: each row's score with itself is exact, others err either way."""
    from core.improve.coding import Coder
    from core.improve.quantizers import RowGrid
    from core.improve.rotation import rotation

    rows = spaces.directions(2, 32).astype(np.float32)
    found = []
    for seed in range(1000):
        coder = Coder(32, RowGrid(1, 32, unbiased=True), 32, down=rotation(32, seed))
        found.append(rows @ coder.rows(coder.quantizer.decode(coder.encode(rows))).T)
    each = np.array(found)
    assert each[:, 0, 0] == pytest.approx(1, abs=1e-4)
    error = each[:, 0, 1] - rows[0] @ rows[1]
    assert abs(error.mean()) < 4 * error.std() / 1000**0.5


@pytest.mark.parametrize("kind", ["image", "text"])
@pytest.mark.parametrize("length", [0.0, 100.0])
@pytest.mark.parametrize("way", ["rabitq:bits=1", "rabitq:bits=1:centers=8"])
def test_what_rotated_bits_lose_does_not_grow_with_a_query_along_a_mean(way, length, kind):
    rows = spaces.gap(500, 64)
    after = kept(rows, way)
    mean = rows.vectors[rows.span(kind)].mean(axis=0)
    queries = spaces.directions(40, 64, 5) + length * mean / np.linalg.norm(mean)
    found = after.scores(queries.astype(np.float32), "text")[:, : rows.n_images]
    assert np.abs(found - queries @ rows.images.T).std() < 0.06


def test_bits_around_centers_lose_less_of_rows_in_groups():
    """Only the variance within groups, a fifth here, is left for bits to lose a share of."""
    rng = np.random.default_rng(3)
    groups = np.repeat(2 * spaces.directions(10, 64, 1), 60, axis=0)
    rows = spaces.space(groups + spaces.directions(600, 64, 2) * rng.uniform(0.8, 1.2, (600, 1)))

    def error(way):
        return np.square(kept(rows, way).rows("image") - rows.images).sum(axis=1).mean()

    assert error("rabitq:centers=10") < 0.3 * error("rabitq")
    assert error("rabitq:centers=600") < 1e-6  # every row is a center
    assert error("rabitq:centers=1") == pytest.approx(error("rabitq"), rel=0.02)  # that is the mean


@pytest.mark.parametrize("size", [1, 3, 4, 6])
@pytest.mark.parametrize("shift", [0.0, 3.0])  # distances less that of the row: negative, and both
def test_a_code_is_the_number_of_the_nearest_centroid(size, shift):
    rng = np.random.default_rng(size)
    centroids = (rng.integers(-2, 3, (5, 40, size)) + shift).astype(np.float32)  # many are equal
    values = (rng.standard_normal((200, 5 * size)) + shift).astype(np.float32)
    code = Centroids(centroids, 5 * size).encode(values)["code"]
    parts = values.reshape(200, 5, 1, size)
    apart = np.square(parts - centroids).sum(axis=3, dtype=np.float64)
    found = np.take_along_axis(apart, code[:, :, None].astype(int), axis=2)[:, :, 0]
    assert found == pytest.approx(apart.min(axis=2), abs=1e-4)
    chosen = centroids[np.arange(5)[:, None], code.T]
    same = (centroids[:, None] == chosen[:, :, None]).all(axis=3)
    np.testing.assert_array_equal(same.argmax(axis=2), code.T)  # of equal centroids the first


@pytest.mark.parametrize("name", ["pq", "opq", "repconc", "simvq"])
def test_centroids_of_a_few_points_are_the_points(name):
    points = spaces.directions(12, 8)
    rows = spaces.space(np.repeat(points, 20, axis=0))
    error = np.square(kept(rows, f"{name}:parts=2").rows("image") - rows.images).sum(axis=1).mean()
    assert error < (0.2 if name == "simvq" else 1e-4)


def test_a_rotation_lowers_the_error_of_product_quantization(space):
    def error(name):
        return np.square(kept(space, f"{name}:parts=4").rows("image") - space.images).sum()

    assert error("opq") <= error("pq")
    turn = fit_way(space, parse_way("opq:parts=4")).coders["image"].down
    assert turn.T @ turn == pytest.approx(np.eye(16), abs=1e-5)


def test_balanced_shares_are_even_and_a_permutation_where_each_row_has_a_centroid():
    rows = np.random.default_rng(0).standard_normal((512, 2))
    centers = rows[:16]
    apart = np.linalg.norm(rows[:, None] - centers, axis=2)
    found = shares(apart)
    assert found.sum(axis=1) == pytest.approx(1 / 512)
    counts = np.bincount(found.argmax(axis=1), minlength=16)
    plain = np.bincount(apart.argmin(axis=1), minlength=16)
    assert np.ptp(counts) < np.ptp(plain) / 2
    own = shares(np.linalg.norm(np.eye(8)[:, None] - np.eye(8)[::-1], axis=2))
    assert own.argmax(axis=1).tolist() == list(range(8))[::-1]


@pytest.mark.parametrize("way", ["rabitq:bits=1", "rabitq:bits=3", "rabitq:bits=1:centers=8"])
def test_errors_of_scores_are_as_large_as_stated(way):
    rows = spaces.gap(500, 64)
    after = kept(rows, way)
    queries = spaces.directions(40, 64, 5).astype(np.float32)
    error = after.scores(queries, "text")[:, : rows.n_images] - queries @ rows.images.T
    share = error / after.fitted.errors(after.codes["image"], "image")
    assert 0.85 < share.std() < 1.05
    assert (np.abs(share) < 4).mean() > 0.9995
    assert kept(rows, "float16").fitted.errors(after.codes["image"], "image") is None


@pytest.mark.parametrize("way", SCORED)
@pytest.mark.parametrize("queries", [1, 20])
def test_scores_never_hold_the_decoded_matrix(way, queries):
    rows = spaces.space(spaces.directions(2000, 64))
    after = kept(rows, way)
    codes = {name: np.concatenate([a] * 150) for name, a in after.codes["image"].items()}
    asked = rows.images[:queries]
    after.fitted.scores(asked, "image", after.codes["image"], "image")  # compiled
    tracemalloc.start()
    found = after.fitted.scores(asked, "image", codes, "image")
    held = tracemalloc.get_traced_memory()[1] - 2 * found.nbytes
    tracemalloc.stop()
    assert held < 0.5 * (4 * 64 * 300_000)


@pytest.mark.parametrize("bits", [1, 2])
def test_trained_axes_rank_held_out_rows_more_as_the_vectors_do(bits, space):
    """Of uneven variance: a random rotation spreads bits over directions that do not matter."""
    seen = []
    train = space.subset(np.flatnonzero(np.arange(space.n) % 4 < 2))
    held_out = space.images[np.arange(space.n_images) % 4 >= 2]
    ranked = np.argsort(np.argsort(held_out @ held_out.T, axis=1), axis=1)

    def agreement(way):
        with with_progress(lambda done, of: seen.append((done, of))):
            fitted = fit_way(train, parse_way(way))
        codes = fitted.encode(held_out, "image")
        found = fitted.scores(held_out, "image", codes, "image")
        return np.corrcoef(ranked.ravel(), found.ravel())[0, 1]

    trained = agreement(f"bebr:bits={bits}:axes=trained:steps=60")
    assert seen[0] == (0, 60)
    assert seen[-1] == (60, 60)
    assert trained > agreement(f"bebr:bits={bits}")


def test_training_goes_down_its_loss_and_ends_where_scores_rank_as_cosines_do():
    """A row has no part in its own loss."""
    rng = np.random.default_rng(0)
    cosines, scores = rng.normal(0, 0.3, (2, 5, 5))
    own = np.arange(5)
    loss, slope = softmax_loss(cosines, scores, own)
    assert slope[own, own] == pytest.approx(0)
    assert slope.sum(axis=1) == pytest.approx(0, abs=1e-6)
    assert softmax_loss(cosines, scores - 1e-3 * slope, own)[0] < loss
    alike = cosines / cosines.std(axis=1, keepdims=True)
    assert softmax_loss(cosines, 0.2 * alike, own)[1] == pytest.approx(0, abs=1e-5)


def test_near_duplicates_share_a_code_and_its_bytes():
    own = spaces.directions(300, 32)
    noise = spaces.directions(300, 32, 9) * 0.01  # a cosine of about .99995
    rows = spaces.space(np.concatenate([own, own + noise, own[:100]]))
    after = kept(rows, "duplicates:numbers=float32")
    codes = after.codes["image"]
    assert len(codes["code"]) == 300
    np.testing.assert_array_equal(
        codes["of"], np.r_[np.arange(300), np.arange(300), np.arange(100)]
    )
    assert after.n == 700
    assert after.code_bytes == (300 * 32 * 4 + 700 * 4) / 700
    np.testing.assert_array_equal(after.rows("image", np.array([650])), rows.images[50:51])
    assert np.einsum("ij,ij->i", after.rows("image"), rows.images).min() >= 0.999
    equal = kept(rows, "duplicates:cosine=1:numbers=float32")
    assert len(equal.codes["image"]["code"]) == 600
    np.testing.assert_array_equal(equal.rows("image"), rows.images)


def test_a_chain_of_near_rows_has_no_code_far_from_a_row():
    angles = np.arange(40) * 0.03  # neighbors have a cosine of .99955, the next ones of .9982
    rows = spaces.space(np.column_stack([np.cos(angles), np.sin(angles)]))
    after = kept(rows, "duplicates:numbers=float32")
    assert len(after.codes["image"]["code"]) < 40
    assert np.einsum("ij,ij->i", after.rows("image"), rows.images).min() >= 0.999
