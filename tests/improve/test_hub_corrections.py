"""Hubness corrections: worked examples, closed forms, and the contents of a bank."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadParameter, TooFew, UnknownName
from core.improve import hub_bias as bias
from core.improve.hub_bias import corrected
from core.improve.hub_corrections import HUB_CORRECTIONS, QueryBank, soft_maximum
from core.measure.diagnostics import DIAGNOSTICS
from core.search.engine import search
from core.search.result import compare_rankings, describe_changes, hub_ratios
from tests.fixtures import spaces

PARTS = HUB_CORRECTIONS.all()
every = pytest.mark.parametrize("name", PARTS)


def unpaired(n=40, q=25, d=8, seed=0):
    """Images that lean one way and texts that lean there too: the more an image leans, the more
    texts come close to it. No pairs, so that banks are whole."""
    rng = np.random.default_rng(seed)
    images, texts = rng.normal(size=(n, d)), rng.normal(size=(q, d))
    images[:, 0] += rng.uniform(0, 3, n)
    texts[:, 0] += 1.5
    return spaces.space(images, texts)


def bank_cosines(space):
    return (space.images @ space.texts.T).astype(np.float64)


def order(space, queries):
    """Best images of each query, as search gives them."""
    return [[h.row for h in search(space, q, k=space.n, kinds=("image",)).hits] for q in queries]


def test_the_five_of_the_contract_are_here():
    assert set(PARTS) >= {"nnn", "csls", "qbnorm", "dualis", "dn"}


def test_nnn_toy_of_its_authors():
    """One item wins every query; after the correction each query finds its own."""
    e = np.eye(4)
    gallery = np.stack([e[1], e[0], -e[1], -e[0], e[2]])
    queries = np.array(
        [[0, 0.6, 0.8, 0], [0.6, 0, 0.8, 0], [0, -0.6, 0.8, 0], [-0.6, 0, 0.8, 0], [0, 0, 1, 0]],
        np.float32,
    )
    turn = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]) * 0.01
    near = np.concatenate([queries + np.pad(step, (0, 2)) for step in turn])
    nobody = np.empty((0, 2), np.int64)
    biases = PARTS["nnn"](QueryBank(gallery, near, gallery, nobody, nobody), alpha=0.75, k=2)
    cosines = (queries @ gallery.T).max(axis=1)
    assert cosines == pytest.approx([0.8, 0.8, 0.8, 0.8, 1])
    best = (queries @ gallery.T - biases).max(axis=1)
    assert best == pytest.approx([0.14625] * 4 + [0.25], abs=1e-6)
    space = spaces.space(gallery, near)  # there the bank has unit rows
    plain = [search(space, q, k=1, kinds=("image",)).hits[0] for q in queries]
    assert [h.row for h in plain] == [4] * 5
    assert [h.score for h in plain] == pytest.approx([0.8, 0.8, 0.8, 0.8, 1], abs=1e-6)
    after = corrected(space, "nnn", alpha=0.75, k=2)
    hits = [search(after, q, k=1, kinds=("image",)).hits[0] for q in queries]
    assert [h.row for h in hits] == [0, 1, 2, 3, 4]
    assert [h.score for h in hits] == pytest.approx([0.14625] * 4 + [0.25], abs=5e-3)
    assert [h.plain_rank for h in hits] == [2, 2, 2, 2, 1]


@settings(max_examples=15)
@given(seed=st.integers(0, 999), k=st.integers(1, 30))
def test_csls_is_half_nnn_and_ranks_as_its_own_formula(seed, k):
    space = unpaired(seed=seed)
    by_csls, by_nnn = corrected(space, "csls", k=k), corrected(space, "nnn", alpha=0.5, k=k)
    np.testing.assert_allclose(by_csls.offset, by_nnn.offset, atol=1e-7)
    cosines = bank_cosines(space)

    def nearest(c):  # the published formula, with the bank's own texts as queries
        return np.sort(c, axis=1)[:, -k:].mean(axis=1)

    scores = 2 * cosines.T - nearest(cosines.T)[:, None] - nearest(cosines)
    for ranking, row in zip(order(by_csls, space.texts), scores, strict=True):
        assert (np.diff(row[ranking]) <= 1e-5).all()


@settings(max_examples=15)
@given(seed=st.integers(0, 999), share=st.floats(0, 1))
def test_dn_is_nnn_of_the_whole_bank_and_ranks_as_its_own_formula(seed, share):
    space = unpaired(seed=seed)
    by_dn = corrected(space, "dn", share=share)
    whole = corrected(space, "nnn", alpha=share, k=25)
    np.testing.assert_allclose(by_dn.offset[:40], whole.offset[:40], atol=1e-6)
    queries = space.texts.astype(np.float64)
    moved = (queries - share * queries.mean(axis=0)) @ space.images.astype(np.float64).T
    for ranking, row in zip(order(by_dn, space.texts), moved, strict=True):
        assert (np.diff(row[ranking]) <= 1e-5).all()


@pytest.mark.parametrize(("name", "off"), [("nnn", {"alpha": 0.0}), ("dn", {"share": 0.0})])
def test_nothing_taken_off_is_the_plain_order(name, off):
    space = unpaired()
    assert not corrected(space, name, **off).offset.any()
    assert order(corrected(space, name, **off), space.texts) == order(space, space.texts)


def test_the_soft_maximum_goes_from_the_mean_to_the_maximum():
    space = unpaired()
    cosines = bank_cosines(space)
    low = corrected(space, "qbnorm", beta=0.01).offset[:40]
    high = corrected(space, "qbnorm", beta=1000.0).offset[:40]
    np.testing.assert_allclose(low, cosines.mean(axis=1), atol=2e-3)
    np.testing.assert_allclose(high, cosines.max(axis=1), atol=5e-3)
    naive = np.log(np.exp(20 * cosines).mean(axis=1)) / 20
    np.testing.assert_allclose(corrected(space, "qbnorm").offset[:40], naive, atol=1e-6)
    logits = np.array([[3000.0, 2990.0]])  # exp of these is no number
    assert soft_maximum(logits, 1.0) == pytest.approx([3000 - np.log(2) + np.log1p(np.exp(-10))])


def test_dualis_is_the_product_of_two_inverted_softmaxes():
    space = unpaired(n=12, q=9)
    found = corrected(space, "dualis", beta_items=2.0, beta_queries=5.0)
    query = space.texts[0].astype(np.float64)
    images = space.images.astype(np.float64)
    similar = np.exp(2.0 * images @ images.T)
    np.fill_diagonal(similar, 0)
    one = np.exp(2.0 * images @ query) / similar.sum(axis=1)
    two = np.exp(5.0 * images @ query) / np.exp(5.0 * bank_cosines(space)).sum(axis=1)
    hits = search(found, space.texts[0], k=12, kinds=("image",)).hits
    assert [h.row for h in hits] == np.argsort(-one * two).tolist()


@every
def test_hubs_go_and_the_diagnostic_sees_it(name):
    """One image lies where all texts lean; the correction takes it off other texts' lists."""
    rng = np.random.default_rng(1)
    images, texts = rng.normal(size=(300, 64)), rng.normal(size=(300, 64))
    texts += 3.0 * images[3] / np.linalg.norm(images[3])
    space = spaces.space(images, texts)
    settings_ = {"dn": {"share": 1.0}}.get(name, {})
    after = corrected(space, name, **settings_)
    assert hub_ratios(space)[3] > 5
    assert hub_ratios(after)[3] < 0.6 * hub_ratios(space)[3]

    def joint(s):
        return next(f for f in DIAGNOSTICS.get("hubness")(s) if f.scope == "joint")

    assert joint(after).per_item[3] < 0.6 * joint(space).per_item[3]
    np.testing.assert_array_equal(after.vectors, space.vectors)


@every
@pytest.mark.parametrize(
    "space",
    [
        spaces.paired(n=3, d=4),
        spaces.paired(n=1, d=4),
        spaces.space(spaces.directions(5, 4)),
        spaces.space((), spaces.directions(2, 4)),
        spaces.space([[1.0, 0.0]]),
        spaces.same(20),
        spaces.space(spaces.directions(4, 8), spaces.directions(9, 8, 1), [[0, 4], [0, 5]]),
    ],
    ids=["few", "one pair", "images", "texts", "one image", "same", "some pairs"],
)
@pytest.mark.parametrize("query_kind", [None, "image", "text"])
def test_small_and_odd_spaces_give_finite_biases(name, space, query_kind):
    """A bank may be smaller than k, hold nothing but the item's own captions, or be of one kind."""
    after = corrected(space, name, query_kind=query_kind)
    assert after.offset.shape == (space.n,)
    assert np.isfinite(after.offset).all()


@every
def test_an_items_own_captions_do_not_count_against_it(name):
    """Else images with captions in the bank would rank below images without."""
    space = spaces.paired(n=60, d=16, agreement=0.95)
    without = spaces.space(space.images, space.texts)
    biases, counted = corrected(space, name).offset, corrected(without, name).offset
    expected = []
    for i in range(60):  # image i is ranked with a bank without its caption
        texts = np.delete(space.texts, i, axis=0)
        expected.append(corrected(spaces.space(space.images, texts), name).offset[i])
    np.testing.assert_allclose(biases[:60], expected, atol=1e-5)
    assert biases[:60].mean() < counted[:60].mean()


@every
def test_held_out_rows_leave_no_trace(name):
    space = unpaired()
    held_out = np.zeros(space.n, bool)
    held_out[[2, 5, 45, 60]] = True
    moved = space.vectors.copy()
    moved[held_out] = spaces.directions(4, 8, 7)
    other = spaces.space(moved[:40], moved[40:])
    one, two = (corrected(s, name, held_out=held_out).offset for s in (space, other))
    np.testing.assert_allclose(one[~held_out], two[~held_out], atol=1e-6)
    assert np.abs(corrected(space, name).offset - one).max() > 1e-4
    with pytest.raises(TooFew, match="A hubness correction needs at least 1 items to fit on"):
        corrected(space, name, held_out=np.ones(space.n, bool))
    with pytest.raises(TooFew):
        corrected(space, name, held_out=np.arange(space.n) >= 40)


def test_who_asks_decides_who_is_in_the_bank():
    space = unpaired()
    same = corrected(space, "dn", query_kind="image", share=1.0).offset[:40]
    cosines = (space.images @ space.images.T).astype(np.float64)
    np.testing.assert_allclose(same, (cosines.sum(axis=1) - 1) / 39, atol=1e-5)
    default, texts = corrected(space, "dn"), corrected(space, "dn", query_kind="text")
    np.testing.assert_array_equal(default.offset[:40], texts.offset[:40])
    assert not np.array_equal(default.offset[40:], texts.offset[40:])


@every
def test_blocks_and_order_change_nothing(name, monkeypatch):
    space = spaces.paired(n=70, d=16)
    whole = corrected(space, name).offset
    monkeypatch.setattr(bias, "BLOCK", 500)
    again = corrected(spaces.space(space.images, space.texts, space.pairs, "other"), name).offset
    np.testing.assert_allclose(again, whole, atol=1e-6)
    turned = spaces.reordered(space, 3)
    where = {row.tobytes(): i for i, row in enumerate(turned.vectors)}
    place = [where[row.tobytes()] for row in space.vectors]
    np.testing.assert_allclose(corrected(turned, name).offset[place], whole, atol=1e-5)


def test_a_bank_that_would_cost_minutes_is_sampled(monkeypatch):
    monkeypatch.setattr(bias, "LEAST", 10)
    monkeypatch.setattr(bias, "WORK", 1.0)
    space = spaces.paired(n=80, d=16)
    after = corrected(space, "qbnorm")
    assert after.steps[-1].endswith("fitted on 10 of 80 images and 10 of 80 texts")
    assert after.key != space.key
    monkeypatch.undo()
    assert corrected(unpaired(), "dn").steps[-1].endswith("40 of 40 images and 25 of 25 texts")


def test_a_correction_is_computed_once():
    space = unpaired(seed=5)
    assert corrected(space, "nnn") is corrected(space, "nnn")
    assert corrected(space, "nnn", k=3) is not corrected(space, "nnn")


@every
def test_it_is_documented_and_its_settings_are_checked(name):
    part = PARTS[name]
    assert part.title
    assert part.family == "Hubs"
    assert part.summary.endswith(".")
    assert re.search(r"\b20\d\d\b", part.source)
    assert all(word in part.about for word in ("Args:", "Returns:", ">>>"))
    assert part.params
    for param in part.params:
        param.check(param.default)
        assert f"{param.name}:" in part.about
        with pytest.raises(BadParameter, match=f"{param.name} is .*allowed"):
            corrected(unpaired(), name, **{param.name: param.allowed.high + 1})
    with pytest.raises(UnknownName, match="No setting of"):
        corrected(unpaired(), name, colour=1)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UnknownName, match="No hubness correction is called 'qbnrm'"):
        corrected(unpaired(), "qbnrm")


def test_an_answer_tells_which_hubs_left_the_page():
    rng = np.random.default_rng(1)
    images, texts = rng.normal(size=(300, 64)), rng.normal(size=(300, 64))
    texts += 3.0 * images[3] / np.linalg.norm(images[3])
    space = spaces.space(images, texts)
    query = space.texts[7]
    plain = search(space, query, k=5, kinds=("image",))
    assert plain.hits[0].row == 3
    assert describe_changes(plain) == ""
    answer = search(corrected(space, "nnn", alpha=1.5), query, k=5, kinds=("image",))
    changes = compare_rankings(answer, plain)
    assert 3 in [hit.row for hit in changes.left]
    assert next(hit.hubness for hit in changes.left if hit.row == 3) > 5
    gone = {hit.row for hit in plain.hits} - {hit.row for hit in answer.hits}
    assert {hit.row for hit in changes.left} == gone
    hubs = sum(hit.hubness > 0 for hit in changes.left)
    assert hubs > 1
    words = f"Compared with cosine alone, {len(gone)} of 5 hits on this page "
    assert describe_changes(changes).startswith(words)
