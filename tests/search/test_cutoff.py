"""The cutoff: expected false positives, calibrated recall, and that both are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cli import main
from core.errors import BadParameter
from core.search.background_queries import BackgroundQueries, background_queries
from core.search.calibration import Adapter, calibrate, conformal, fit_adapter
from core.search.cutoff import by_chance, by_pairs, choose
from core.search.engine import run
from core.search.null import QueryNull, fit_null, fit_null_tail
from core.search.plan import SearchPlan
from core.types.query import Part, Query, Strictness
from core.types.space import Space
from tests.bench.cut import synthetic
from tests.fixtures.files import write_vectors
from tests.fixtures.spaces import unit

IDENTITY = Adapter(np.array([0, 0, 0, 0, np.log(np.e - 1)]), np.zeros(5), np.zeros(4), np.ones(4))


def kept(cosines, expected):
    """How many pass where so many are expected by chance."""
    null = fit_null(cosines.astype(np.float32))
    return int((cosines >= null.cosine(expected / len(cosines))).sum())


def test_ten_chance_hits_are_about_ten(rng):
    counts = [kept(rng.normal(0.2, 0.05, 5000), 10) for _ in range(60)]
    assert 7 <= np.mean(counts) <= 14


def gamma_queries(rng, queries=100, m=700):
    """Cosines of unrelated items whose tails are heavier than normal; each query has its scale."""
    scale = rng.uniform(0.01, 0.05, (queries, 1))
    return (0.1 + scale * rng.gamma(2.0, size=(queries, m))).astype(np.float32)


def told_by(cosines):
    return fit_null_tail(cosines, np.zeros(cosines.shape, bool))


@pytest.mark.parametrize("expected", [0.3, 1, 10])
def test_other_queries_tell_how_far_heavy_tails_reach(rng, expected):
    shape = told_by(gamma_queries(rng))
    nulls = [(x, fit_null(x, shape)) for x in gamma_queries(rng)]
    counts = [(x >= null.cosine(expected / len(x))).sum() for x, null in nulls]
    assert 0.5 * expected <= np.mean(counts) <= 1.6 * expected


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3])
def test_a_common_subject_does_not_hide_itself(rng, share):
    """Nor do the queries about it spoil the null of all."""
    others = gamma_queries(rng)
    others[:10, : int(share * 700)] += 8 * others[:10].std(axis=1, keepdims=True)
    shape = told_by(others)
    (x,) = gamma_queries(rng, queries=1)
    matching = np.arange(700) < int(share * 700)
    x[matching] += 8 * x.std()
    found = x >= fit_null(x, shape).cosine(1 / 700)
    assert found[matching].mean() > 0.9
    assert found[~matching].sum() <= 4


def test_what_belongs_to_a_query_is_no_null(rng):
    x = gamma_queries(rng)
    own = np.zeros(x.shape, bool)
    own[:, 5] = True
    marked = x.copy()
    marked[:, 5] = 0.99
    np.testing.assert_array_equal(fit_null_tail(x, own).z, fit_null_tail(marked, own).z)
    assert fit_null_tail(x[:19], own[:19]) is None
    assert fit_null_tail(x[:, :39], own[:, :39]) is None


def test_the_density_of_a_shape_has_no_jumps(rng):
    shape = told_by(gamma_queries(rng))
    z = np.linspace(shape.z[0], shape.z[-1] + 2, 20_001)
    p = np.exp(shape.logsf(z))
    density = -np.diff(p) / np.diff(z)
    assert (density >= 0).all()
    assert np.abs(np.diff(density)).max() < 0.01 * density.max()
    for share in (0.5, 0.01, 1e-4, 1e-9):
        assert np.exp(shape.logsf(np.array(shape.isf(share)))) == pytest.approx(share, rel=1e-4)


def test_no_cut_lies_where_no_item_can_be():
    assert fit_null(np.linspace(-0.5, 0.99, 30)).cosine(1e-9) < 1


def test_no_more_chance_hits_are_promised_than_there_are_items():
    few = fit_null(np.linspace(-0.1, 0.4, 4))
    sentence = by_chance({"image": few}, 4, 10).promise
    assert sentence.startswith("Expected false positives: about 4 among 4 unrelated items")
    assert "too few items to estimate their tail" in sentence


@pytest.fixture(scope="module")
def calibrated(pairs):
    return calibrate(pairs)


@pytest.mark.parametrize("above", [True, False])
def test_the_stricter_of_the_two_default_cutoffs_applies_and_says_so(pairs, calibrated, above):
    vector = pairs.texts[0]
    by_calibration = by_pairs(calibrated, vector)
    mean = by_calibration.cosines["image"] + (-1 if above else 1)
    nulls = {"image": QueryNull(mean, 1e-3, 300)}
    chance = by_chance(nulls, 300)
    chosen = choose(nulls, 300, vector, calibrated, None)
    if above:
        assert (chosen.rule, chosen.cosines) == ("pairs", by_calibration.cosines)
        assert chosen.promise == (
            f"{by_calibration.promise} The null distribution alone allows more."
        )
    else:
        assert (chosen.rule, chosen.cosines) == ("chance", chance.cosines)
        assert chosen.promise == f"{chance.promise} The calibrated cutoff alone allows more."


def test_a_level_set_by_the_user_stands_alone(pairs, calibrated):
    vector = pairs.texts[0]
    nulls = {"image": QueryNull(0.0, 0.1, 300)}
    strict, loose = Strictness("pairs", 0.3), Strictness("chance", 10)
    assert choose(nulls, 300, vector, calibrated, strict) == by_pairs(calibrated, vector, 0.3)
    assert choose(nulls, 300, vector, calibrated, loose) == by_chance(nulls, 300, 10)
    assert choose(nulls, 300, vector, None, strict) == by_chance(nulls, 300)
    assert choose(nulls, 300, vector, None, None) == by_chance(nulls, 300)
    uncalibrated = replace(calibrated, usual=0.0)
    assert choose(nulls, 300, vector, uncalibrated, None) == by_chance(nulls, 300)


@pytest.mark.parametrize("mix", ["centred", "sum", "slerp"])
def test_composed_questions_keep_the_promise_too(pairs, mix):
    """Against what unrelated parts give, few composed questions find anything by chance."""
    first, second = (pairs.ids[int(row)] for row in pairs.pairs[0])
    query = Query((Part(item=first), Part(item=second, weight=-0.5)), kinds=("image",), mix=mix)
    every = background_queries(pairs, query)
    told = BackgroundQueries(every.vectors[::2], every.rows[::2], f"{every.form}, every second")
    whole = run(SearchPlan(pairs, every.vectors[1], kinds=("image",), background=every))
    assert whole.nulls["image"].tail.queries == 200  # and the half is told by itself all the same
    again = run(SearchPlan(pairs, every.vectors[1], kinds=("image",), background=told))
    assert again.nulls["image"].tail.queries == 100
    assert "estimated from 100 background queries, of which 37% should" in again.cutoff.promise
    counts = [
        run(SearchPlan(pairs, vector, kinds=("image",), background=told, exclude=rows[:1])).matches
        for vector, rows in zip(every.vectors[1::2], every.rows[1::2], strict=True)
    ]
    assert 0.5 < np.mean(counts) < 2


@pytest.mark.parametrize("mix", ["centred", "sum", "slerp"])
def test_an_item_drawn_for_two_parts_does_not_end_the_search(mix, rng):
    """Less of what another part asks for cancels it out: with few items that is drawn too."""
    query = Query((Part("a"), Part("b", weight=-1.0)), kinds=("image",), mix=mix)
    for n in (0, 1, 40, 60, 150):
        ids = tuple(f"{i:03}" for i in range(2 * n))
        space = Space(unit(rng.normal(size=(2 * n, 8))), ids, n)
        told = background_queries(space, query)
        assert n - 8 <= len(told.vectors) == len(told.rows) <= n
        np.testing.assert_allclose(np.linalg.norm(told.vectors, axis=1), 1, atol=1e-5)
        vector = np.eye(8, dtype=np.float32)[0]
        found = run(SearchPlan(space, vector, kinds=("image",), background=told))
        assert len(found.hits) == min(n, 24)
    same = Space(np.tile(np.eye(8, dtype=np.float32)[:1], (80, 1)), ids[:80], 40)
    none = background_queries(same, query)
    assert len(none.vectors) == 0
    assert run(SearchPlan(same, same.vectors[0], kinds=("image",), background=none)).n == 40


@settings(max_examples=20, deadline=None)
@given(
    shift=st.floats(-0.3, 0.3),
    scale=st.floats(0.5, 2),
    n=st.sampled_from([20, 100, 2000]),
    seed=st.integers(0, 99),
)
def test_shifting_or_stretching_all_cosines_changes_no_probability(shift, scale, n, seed):
    x = np.random.default_rng(seed).normal(0, 0.05, n)
    at = np.linspace(-0.2, 0.4, 31)
    before = fit_null(x.astype(np.float32)).p(at)
    after = fit_null((scale * x + shift).astype(np.float32)).p(scale * at + shift)
    np.testing.assert_allclose(before, after, rtol=2e-2, atol=1e-9)


def test_the_cut_is_where_its_probability_is(rng):
    for n in (20, 300, 4000):
        null = fit_null(rng.gamma(2.0, 0.05, n).astype(np.float32))
        for p in (0.3, 0.05, 1e-4):
            cut = null.cosine(p)
            above, below = null.p(np.array([cut + 1e-6, cut - 1e-6]))
            assert above <= p <= below or above == pytest.approx(p, rel=1e-3)


def test_many_matches_do_not_hide_each_other(rng):
    """A third of the collection matches: they are no background."""
    x = np.concatenate([rng.normal(0.1, 0.02, 40), rng.normal(0.9, 0.01, 20)])
    assert kept(x, 0.3) == 20


def test_an_adapter_can_leave_cosines_as_they_are():
    features = np.random.default_rng(0).normal(size=(50, 4))
    a, b = IDENTITY.line(features)
    np.testing.assert_allclose([a, b], [np.ones(50), np.zeros(50)], atol=1e-12)


def test_no_learnt_score_changes_the_order_of_a_query(rng):
    features = rng.normal(size=(80, 4))
    cosines = rng.normal(size=(80, 9))
    true = (np.arange(9) == 0) * np.ones((80, 1))
    a, _ = fit_adapter(features, cosines - true, true).line(100 * rng.normal(size=(500, 4)))
    assert (a > 0).all()  # even when true ones have the lower cosines


def test_an_adapter_learns_which_queries_reach_far(rng):
    reach = rng.uniform(0.05, 0.2, 400)
    cosines = reach[:, None] * rng.normal(size=(400, 20))
    cosines[:, 0] = 3 * reach
    true = (np.arange(20) == 0) * np.ones((400, 1))
    features = np.column_stack([np.zeros(400), np.log(reach), np.zeros((400, 2))])
    a, b = fit_adapter(features, cosines, true).line(features)
    adapted = a[:, None] * cosines + b[:, None]

    def mistakes(x):
        return (x[:, 1:] > np.quantile(x[:, 0], 0.1)).mean()

    assert mistakes(adapted) < 0.5 * mistakes(cosines)


def test_a_split_conformal_threshold_keeps_its_promise(rng):
    covered = []
    for _ in range(400):
        scores = rng.gamma(2.0, size=60)
        covered.append((rng.gamma(2.0, size=50) >= conformal(np.sort(scores), 0.1)).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


@pytest.fixture(scope="module")
def pairs():
    return synthetic(n=300, d=32)


def test_the_learnt_cut_keeps_what_it_promises(pairs):
    shares = [calibrate(pairs, seed=seed).recall(0.3)[0] for seed in range(5)]
    assert np.mean(shares) == pytest.approx(0.7, abs=0.06)
    calibration = calibrate(pairs)
    cutoff = by_pairs(calibration, pairs.texts[0], 0.3)
    share, low, high = calibration.recall(0.3)
    assert cutoff.rule == "pairs"
    assert cutoff.promise == (
        "Calibrated to keep at least 70% of true matches; measured on 100 further caption pairs "
        f"it keeps {share:.0%} ({low:.0%} to {high:.0%})."
    )
    assert by_pairs(calibration, pairs.texts[0]).level == calibration.usual


def test_held_out_pairs_set_and_judge_the_threshold(pairs):
    marked = np.zeros(pairs.n, bool)
    marked[:150] = marked[300:450] = True
    learnt = calibrate(pairs, marked)
    assert learnt.held_out
    assert len(learnt.conformity) + len(learnt.judged) == 150
    assert "held-out" in by_pairs(learnt, pairs.texts[0]).promise


def test_too_few_pairs_teach_nothing(pairs):
    few = Space(pairs.vectors, pairs.ids, 300, pairs.pairs[:99])
    assert calibrate(few) is None


@pytest.mark.parametrize(("captioned", "marked"), [(1, 0), (2, 0), (5, 1)])
def test_few_pictures_with_many_captions_teach_nothing(pairs, captioned, marked):
    """Each part must hold enough, not all together: no picture is in two."""
    pictures = np.arange(300) % captioned
    space = replace(pairs, pairs=np.stack([pictures, np.arange(300, 600)], axis=1))
    held_out = np.concatenate([np.arange(300) < marked, pictures < marked])
    assert calibrate(space, held_out if marked else None) is None


def test_pairs_that_belong_to_nothing_teach_nothing(pairs, rng):
    pictures, texts = pairs.pairs.T
    shuffled = replace(pairs, pairs=np.stack([rng.permutation(pictures), texts], axis=1))
    assert calibrate(shuffled) is None


def test_an_answer_counts_matches_on_all_pages(pairs):
    vector = pairs.texts[3]
    plan = SearchPlan(pairs, vector, k=600, kinds=("image",), strictness=Strictness("chance", 20))
    whole, page = run(plan), run(replace(plan, k=5, start=5))
    assert whole.matches == page.matches == sum(hit.match for hit in whole.hits)
    assert whole.matches > 5
    least = whole.cutoff.cosines["image"]
    assert all(hit.match == (hit.cosine >= least) for hit in whole.hits)
    assert whole.cutoff == by_chance(whole.nulls, whole.n, 20)


@pytest.fixture
def planted(tmp_path, rng, capsys):
    """A collection of n pictures with captions, of which the first alone is red."""

    def make(n):
        pictures = unit(rng.gamma(0.5, size=(n, 8)) * ([0.02] + [1] * 7))
        pictures[0] = np.eye(8)[0]
        texts = unit(pictures + 0.1 * rng.normal(size=(n, 8)))
        path = tmp_path / f"{n}.parquet"
        write_vectors(path, n, vector=np.concatenate([pictures, texts]).tolist())
        assert main(["ingest", str(path), "-c", "planted", "--encoder", "toy"]) == 0
        capsys.readouterr()

    def ask(*arguments):
        code = main(["search", "planted", *arguments])
        said = capsys.readouterr()
        return code, json.loads(said.out) if "--json" in arguments else said.out + said.err

    return make, ask


@pytest.mark.parametrize(("n", "rule"), [(60, "chance"), (150, "pairs")])
def test_a_planted_match_is_found_and_nonsense_finds_nothing(planted, n, rule):
    make, ask = planted
    make(n)
    _, found = ask("a red thing", "--json")
    assert (found["no_match"], found["cut"]["rule"]) == (False, rule)
    assert (found["hits"][0]["id"], found["hits"][0]["match"]) == ("i0", True)
    assert sum(hit["match"] for hit in found["hits"]) == found["matches"] <= 2
    assert f" among {n} candidates. " in found["sentence"]
    _, nothing = ask("xyzzy plugh", "--json")
    assert (nothing["no_match"], nothing["matches"]) == (True, 0)
    assert nothing["sentence"].startswith("No match: ")


def test_the_command_line_draws_the_cut_and_moves_it(planted):
    make, ask = planted
    make(150)
    _, lines = ask("a red thing", "-k", "3")
    first, cutoff, second, *_ = lines.splitlines()
    assert (first.split()[0], second.split()[0]) == ("1", "2")
    assert cutoff.startswith("----")
    assert "1 match among 150 candidates." in lines
    _, strict = ask("a red thing", "--miss", "0.4", "--json")
    assert strict["cut"]["level"] == 0.4
    _, loose = ask("a red thing", "--expected", "50", "--json")
    assert (loose["cut"]["rule"], loose["matches"] > 20) == ("chance", True)
    _, other = ask("img:i3", "--json")
    assert other["cut"]["rule"] == "chance"  # pictures that ask are not what was learnt from


def test_levels_that_cannot_be_kept_are_refused(planted):
    make, ask = planted
    make(30)
    assert ask("red", "--miss", "0.95") == (2, "miss is 0.95; allowed: 0.05 to 0.9.\n")
    with pytest.raises(BadParameter, match="expected is 1000; allowed: 0 to 100"):
        Query((Part("red"),), strictness=Strictness("chance", 1000))
