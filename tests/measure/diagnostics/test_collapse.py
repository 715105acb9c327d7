"""Collapse by length, and onto a few cells."""

import re

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from core.errors import TooFew
from core.measure.diagnostics import DIAGNOSTICS
from core.measure.diagnostics.codebook_collapse import perplexity, utilization
from core.measure.diagnostics.length_collapse import BINS
from core.measure.retrieval import evaluate
from core.numerics.nulls import isotropic_rankme
from tests.fixtures import spaces
from tests.fixtures.findings import find, value
from tests.fixtures.spaces import directions, space


def cone_by_length(n=400, d=24, seed=0):
    """The longer a text, the nearer to one direction."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(10, 500, n)
    texts = directions(n, d, seed) + lengths[:, None] / 250 * np.eye(d)[0]
    x = texts + 0.5 * directions(n, d, seed + 1)
    return space(x, texts, spaces.diagonal(n), lengths=lengths)


def test_bins_of_known_means():
    """Every bin's mean is half as long as a row: mean cosine (0.25 n - 1) / (n - 1)."""
    d, each = 32, 50
    rows = []
    for b in range(8):
        around = np.zeros((each, d))
        turned = directions(each // 2, d - 8, b)
        around[:, 8:] = np.concatenate([turned, -turned]) * np.sqrt(0.75)
        around[:, b] = 0.5
        rows.append(around)
    given = space((), np.concatenate(rows), lengths=np.repeat(np.arange(8) * 100 + 20, each))
    found = find("length_collapse", given)
    np.testing.assert_allclose(found.curve.y, (0.25 * each - 1) / (each - 1), atol=1e-6)
    np.testing.assert_array_equal(found.curve.x, np.arange(8) * 100 + 20)
    assert found.verdict == "good"


def test_most_texts_of_the_largest_length_are_compared_with_the_shorter_ones():
    lengths = np.repeat([10, 15, 77], [3, 2, 95])
    rows = directions(100, 8)
    rows[95:] += 3 * np.eye(8)[0]
    found = find("length_collapse", space((), rows, lengths=lengths[::-1]))
    assert found.curve.x.tolist() == [10, 77]
    y = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    direct = [(1 - pdist(part, "cosine")).mean() for part in (y[95:], y[:95])]
    np.testing.assert_allclose(found.curve.y, direct, atol=1e-5)
    assert "of about 10 and of about 77 characters" in found.detail


def test_a_lone_shorter_text_has_no_mean_cosine():
    found = find("length_collapse", space((), directions(40, 8), lengths=[5] + [77] * 39))
    assert np.isnan(found.curve.y[0])
    assert np.isfinite(found.curve.y[1])
    assert "of about 5 and of about 77 characters: – and" in found.detail


def test_it_is_what_scipy_says():
    given = cone_by_length()
    y = given.texts.astype(np.float64)
    mean = y.mean(axis=0)
    toward = y @ mean / np.linalg.norm(mean)
    found = find("length_collapse", given)
    known = stats.spearmanr(given.text_lengths, toward)
    assert found.value == pytest.approx(known.statistic, abs=1e-4)
    np.testing.assert_allclose(found.per_item[given.n_images :], toward, atol=1e-5)
    octiles = np.quantile(given.text_lengths, np.arange(1, BINS) / BINS, method="lower")
    bins = np.searchsorted(octiles, given.text_lengths)
    direct = [(1 - pdist(y[bins == b], "cosine")).mean() for b in range(BINS)]
    np.testing.assert_allclose(found.curve.y, direct, atol=1e-5)


def test_long_texts_that_crowd_are_called_bad():
    found = find("length_collapse", cone_by_length())
    assert found.value > 0.6
    assert found.verdict == "bad"
    assert found.low > 0.4
    assert "(p 0.001" in found.sentence
    assert (np.diff(found.curve.y) > 0).mean() > 0.8
    good = find("length_collapse", spaces.paired())
    assert good.verdict == "good"
    assert good.value < found.value


def test_the_p_value_is_even_where_length_does_not_matter():
    def p(seed):
        rng = np.random.default_rng(seed)
        given = space((), directions(60, 8, seed) + 0.5, lengths=rng.integers(1, 400, 60))
        return float(
            find("length_collapse", given, shuffles=99).sentence.split("(p ")[1].split(")")[0]
        )

    values = np.array([p(seed) for seed in range(100)])
    assert 0 <= (values < 0.05).sum() <= 12
    assert stats.kstest(values, "uniform").pvalue > 0.001


def test_recall_of_the_ends_is_that_of_the_evaluation():
    given = cone_by_length(n=160, d=6)
    ranks = evaluate(given).text_to_image.first_ranks
    order = np.argsort(given.text_lengths, kind="stable")
    short, long = (ranks[part] <= 10 for part in (order[:20], order[-20:]))
    detail = find("length_collapse", given).detail
    ends = re.search(r"Recall@10: (\d+)% and (\d+)%", detail).groups()
    assert float(ends[0]) == pytest.approx(100 * short.mean(), abs=5)
    assert float(ends[1]) == pytest.approx(100 * long.mean(), abs=5)
    alone = space((), given.texts, lengths=given.text_lengths)
    assert "Recall" not in find("length_collapse", alone).detail


def test_directions_of_the_ends_are_counted_at_equal_numbers():
    """128 short texts in eight directions, 32 long ones in four."""
    texts = np.concatenate([np.tile(np.eye(16)[:8], (16, 1)), np.tile(np.eye(16)[:4], (8, 1))])
    given = space((), texts, lengths=[20] * 128 + [200] * 32)
    detail = find("length_collapse", given).detail
    short, long, even = re.search(
        r"RankMe of 32 of each: ([\d.]+) and ([\d.]+) \(isotropic ([\d.]+)\)", detail
    ).groups()
    assert 7 < float(short) <= 8
    assert float(long) == 4
    assert float(even) == pytest.approx(isotropic_rankme(32, 16), abs=0.05)


def test_the_interval_has_the_right_width():
    drawn = [
        find("length_collapse", cone_by_length(n=150, seed=s), shuffles=99) for s in range(100)
    ]
    true = np.std([f.value for f in drawn], ddof=1)
    stated = np.mean([(f.high - f.low) / 2 / 1.96 for f in drawn])
    assert 0.75 < stated / true < 1.3, stated / true


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (spaces.paired(n=15), "at least 16 texts of known length; there are 15"),
        (space(directions(30, 4)), "texts of known length; there are none"),
        (
            space((), directions(30, 4), lengths=[7] * 30),
            "2 different lengths of texts; there is 1",
        ),
    ],
)
def test_texts_without_lengths_to_compare_give_a_sentence(given, sentence):
    with pytest.raises(TooFew, match=sentence):
        DIAGNOSTICS.get("length_collapse")(given)


# Cells


def test_a_normal_cloud_reaches_the_reference():
    found = find("codebook_collapse", space(directions(4000, 32)))
    assert found.value == pytest.approx(found.reference.value, abs=0.08)
    assert found.verdict == "good"


@pytest.mark.parametrize("cells", [2, 64])
def test_identical_items_use_one_cell_and_are_called_bad(cells):
    found = find("codebook_collapse", space(np.ones((200, 8))), cells=cells)
    assert found.verdict == "bad"
    assert found.value == pytest.approx(1 / min(cells, 25))
    assert found.reference.value == 1
    assert "against 100% for evenly filled cells" in found.sentence
    assert "All images are one point" in found.sentence


def test_perplexity_of_known_shares():
    assert perplexity(np.array([4, 2, 1, 1])) == pytest.approx(3.363586, abs=1e-6)
    assert perplexity(np.full(7, 3)) == pytest.approx(7)
    assert perplexity(np.array([9, 0, 0])) == pytest.approx(1)
    one, joint = np.array([4, 2, 1, 1]), np.diag([4, 2, 1, 1]).ravel()
    assert perplexity(joint) == pytest.approx(perplexity(one))  # equal codes add nothing


def test_utilization_of_even_choice_is_one(rng):
    drawn = [utilization(np.bincount(rng.integers(0, 50, 60), minlength=50)) for _ in range(200)]
    assert np.mean(drawn) == pytest.approx(1.0, abs=0.02)
    assert utilization(np.full(50, 20)) == pytest.approx(1.0, abs=1e-6)
    assert utilization(np.array([9999, 0, 0, 0])) == pytest.approx(1 / 4)


def test_separate_even_clusters_fill_their_cells():
    rows = np.repeat(np.eye(8), 40, axis=0) + 0.01 * directions(320, 8)
    found = find("codebook_collapse", space(rows), cells=8)
    assert found.value == pytest.approx(1.0, abs=0.15)
    assert found.curve.y.sum() == pytest.approx(1)


def test_a_crowd_in_one_place_is_worse_and_is_called_bad():
    x = directions(400, 16)
    x[:360] = x[0]  # copies; a crowd whose members differ gets cells of its own
    good = find("codebook_collapse", spaces.paired(), "image")
    bad = find("codebook_collapse", space(x))
    assert good.verdict == "good"
    assert bad.verdict == "bad"
    assert bad.value < good.value
    assert value("codebook_collapse", spaces.same(n=40), "image") == pytest.approx(1 / 5)


def test_the_interval_covers_another_draw_of_items():
    """Cells of one fit; the perplexity of few items against that of many."""
    covered = 0
    for seed in range(50):
        rows = np.repeat(np.eye(4), [60, 30, 15, 15], axis=0)
        rng = np.random.default_rng(seed)
        given = space(rows[rng.integers(0, 120, 200)] + 0.01 * directions(200, 4, seed))
        found = find("codebook_collapse", given, cells=4)
        covered += found.low <= 3.363586 / 4 <= found.high
    assert covered >= 45
