"""Diagnostics against the direct formula, known-bad spaces, and the edges of each domain."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from core.numerics.spectra import moments
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space


def test_direct_formulas_in_float64():
    given = spaces.gap(n=150, d=24, size=0.7)
    x, y = given.images.astype(np.float64), given.texts.astype(np.float64)
    near = {"rel": 1e-5, "abs": 1e-5}
    assert value("alignment", given) == pytest.approx(((x - y) ** 2).sum(axis=1).mean(), **near)
    assert value("uniformity", given, "image") == pytest.approx(
        np.log(np.exp(-2 * pdist(x) ** 2).mean()), **near
    )
    assert value("uniformity", given, "joint") == pytest.approx(
        np.log(np.exp(-2 * pdist(np.concatenate([x, y])) ** 2).mean()), **near
    )
    assert value("mean_cosine", given, "text") == pytest.approx(
        (1 - pdist(y, "cosine")).mean(), **near
    )
    assert value("mean_cosine", given, "joint") == pytest.approx((x @ y.T).mean(), **near)
    s = np.linalg.svd(x, compute_uv=False)
    assert value("effective_rank", given, "image") == pytest.approx(
        np.exp(stats.entropy(s)), **near
    )
    lam = np.linalg.eigvalsh(np.cov(x.T))
    lengthened = np.sqrt(24) * lam / np.linalg.norm(lam)  # IsoScore as its paper writes it
    defect = np.linalg.norm(lengthened - 1) / np.sqrt(2 * (24 - np.sqrt(24)))
    score = ((24 - defect**2 * (24 - np.sqrt(24))) ** 2 - 24) / (24 * 23)
    assert value("isotropy", given, "image") == pytest.approx(score, **near)
    counts = np.bincount(np.argsort(-(y @ x.T), axis=1)[:, :10].ravel(), minlength=150)
    hub = find("hubness", given, "joint")
    assert hub.value == pytest.approx(stats.skew(counts), **near)
    np.testing.assert_array_equal(hub.per_item[:150], counts)


def test_moments_of_both_kinds_are_those_of_all_rows():
    given = spaces.gap(n=80, d=8)
    x = given.vectors.astype(np.float64)
    joint = moments(given, "joint")
    np.testing.assert_allclose(joint.mean, x.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(joint.covariance, np.cov(x.T, bias=True), atol=1e-12)


def test_alignment_per_item_is_the_mean_over_its_own_pairs():
    given = space(np.eye(3)[:2], np.eye(3)[[0, 1, 1]], [[0, 2], [0, 3], [1, 4]])
    found = find("alignment", given)
    np.testing.assert_allclose(found.per_item, [1, 0, 0, 2, 0], atol=1e-6)
    assert found.value == pytest.approx(2 / 3)


def test_places_along_the_gap_part_the_kinds():
    given = spaces.gap(size=2.0)
    found = find("modality_gap", given)
    assert found.per_item[: given.n_images].min() > 0 > found.per_item[given.n_images :].max()
    assert found.per_item[: given.n_images].mean() == pytest.approx(found.value / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("alignment", "pairs"),
        ("uniformity", "joint"),
        ("mean_cosine", "joint"),
        ("modality_gap", "joint"),
        ("separability", "joint"),
        ("gap_variance", "joint"),
        ("pair_hardness", "pairs"),
        ("shape_similarity", "joint"),
    ],
)
def test_what_is_between_the_kinds_is_the_same_from_both_sides(name, scope):
    given = spaces.gap(n=120, d=16, size=0.4)
    turned = space(given.texts, given.images, given.pairs)
    found, again = (find(name, s, scope) for s in (given, turned))
    assert again.value == pytest.approx(found.value, abs=1e-5)


def test_isoscore_is_the_participation_ratio_on_another_scale():
    given = spaces.gap(n=100, d=24, size=0.7)
    ratio = value("participation_ratio", given, "text")
    assert value("isotropy", given, "text") == pytest.approx((ratio - 1) / 23, abs=1e-9)


# Known bad

CAPPED = {"uniformity", "separability", "mean_cosine"}


@pytest.mark.parametrize(
    ("name", "scope", "bad"),
    [
        ("alignment", "pairs", spaces.shuffled()),
        ("uniformity", "image", spaces.cone(cosine=0.95)),
        ("modality_gap", "joint", spaces.gap(size=3.0)),
        ("separability", "joint", spaces.gap(size=3.0)),
        ("mean_cosine", "image", spaces.cone()),
        ("effective_rank", "image", spaces.low_rank()),
        ("isotropy", "image", spaces.low_rank(rank=1)),
        ("hubness", "image", spaces.one_hub()),
        ("hubness", "joint", spaces.one_hub()),
        ("intrinsic_dimension", "image", spaces.patch(directions(400, 2)[:, :1])),
        ("near_duplicates", "text", spaces.duplicated()),
    ],
)
def test_a_planted_fault_is_worse_and_its_verdict_says_so(name, scope, bad):
    good = find(name, spaces.paired(), scope)
    worse = find(name, bad, scope)
    assert good.verdict == "good"
    # What follows from the mean, or is usual for CLIP, is at worst to be watched.
    assert worse.verdict == ("watch" if name in CAPPED else "bad")
    if DIAGNOSTICS.get(name).traits["better"] == "low":
        assert worse.value > good.value
    else:
        assert worse.value < good.value


# Edges


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("alignment", space(np.eye(4), np.eye(4)), "there are none. Add a captions file."),
        ("modality_gap", space(np.eye(4)), "needs at least 2 texts; there are none. Add captions"),
        ("separability", spaces.paired(n=5), "needs at least 10 images; there are 5"),
        ("hubness", spaces.paired(n=10), "needs at least 11 items of one kind; there are 10"),
        ("intrinsic_dimension", spaces.paired(n=19), "needs at least 20 items of one kind"),
        ("uniformity", spaces.paired(n=1), "needs at least 3 items; there are 2"),
        ("isotropy", spaces.paired(n=2), "needs at least 3 items of one kind; there are 2"),
    ],
)
def test_edges_give_sentences(name, given, sentence):
    with pytest.raises(TooFew, match=sentence):
        DIAGNOSTICS.get(name)(given)


def test_pairs_that_all_hang_together_cannot_be_split():
    everyone = np.array([[i, 30 + j] for i in range(30) for j in range(30)])
    given = space(directions(30, 8), directions(30, 8, 1), everyone)
    with pytest.raises(TooFew, match="groups of unrelated images and texts"):
        DIAGNOSTICS.get("separability")(given)


def test_a_lone_text_leaves_text_and_joint_scopes_out():
    given = space(directions(50, 8), directions(1, 8))
    assert [f.scope for f in DIAGNOSTICS.get("hubness")(given)] == ["image"]
    assert [f.scope for f in DIAGNOSTICS.get("effective_rank")(given)] == ["image"]
    assert [f.scope for f in DIAGNOSTICS.get("mean_cosine")(given)] == ["image"]
