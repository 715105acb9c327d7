"""Where matches end: what chance promises, what pairs teach, and that both are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.bench.cut import cuts, made_up, rows, tails
from core.cli import main
from core.errors import BadParameter
from core.search import by_pairs, calibrate, fit_null, search
from core.search.adapter import Adapter, fit_adapter
from core.search.calibration import conformal
from core.search.cut import by_chance
from core.types import Part, Query, Space
from tests.test_cli import write_vectors
from tests.test_search import unit

IDENTITY = Adapter(np.array([0, 0, 0, 0, np.log(np.e - 1)]), np.zeros(5), np.zeros(4), np.ones(4))


def kept(cosines, expected):
    """How many pass where so many are expected by chance."""
    null = fit_null(cosines.astype(np.float32))
    return int((cosines >= null.cosine(expected / len(cosines))).sum())


def test_ten_chance_hits_are_about_ten(rng):
    counts = [kept(rng.normal(0.2, 0.05, 5000), 10) for _ in range(60)]
    assert 7 <= np.mean(counts) <= 14


def test_one_chance_hit_is_at_most_two_where_tails_are_heavier_than_normal(rng):
    counts = [kept(0.1 + 0.03 * rng.gamma(2.0, size=700), 1) for _ in range(60)]
    assert 0.3 <= np.mean(counts) <= 2


def test_on_normal_cosines_the_exponential_tail_keeps_no_more_than_the_normal_one(rng):
    def count(x, null):
        return (x >= null.cosine(1 / len(x))).sum()

    differences = []
    for _ in range(40):
        x = rng.normal(size=3000)
        null = fit_null(x.astype(np.float32))
        tailed = type(null)(null.mean, null.sd, null.n, null.start, null.excess, 0.1)
        assert null.tail == 0
        differences.append(count(x, null) - count(x, tailed))
    assert np.mean(differences) >= 0


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
    return made_up(n=300, d=32)


def test_the_learnt_cut_keeps_what_it_promises(pairs):
    shares = [calibrate(pairs, seed=seed).kept(0.3)[0] for seed in range(5)]
    assert np.mean(shares) == pytest.approx(0.7, abs=0.06)
    learnt = calibrate(pairs)
    cut = by_pairs(learnt, pairs.texts[0], 0.3)
    assert cut.rule == "pairs"
    assert (
        "Set to keep at least 70% of true matches; of 100 further captions' pictures" in cut.promise
    )
    assert by_pairs(learnt, pairs.texts[0]).level == learnt.usual


def test_held_out_pairs_set_and_judge_the_threshold(pairs):
    marked = np.zeros(pairs.n, bool)
    marked[:150] = marked[300:450] = True
    learnt = calibrate(pairs, marked)
    assert learnt.held_out
    assert len(learnt.marks) + len(learnt.judged) == 150
    assert "held-out" in by_pairs(learnt, pairs.texts[0]).promise


def test_too_few_pairs_teach_nothing(pairs):
    few = Space(pairs.vectors, pairs.ids, 300, pairs.pairs[:99])
    assert calibrate(few) is None


def test_pairs_that_belong_to_nothing_teach_nothing(pairs, rng):
    pictures, texts = pairs.pairs.T
    shuffled = replace(pairs, pairs=np.stack([rng.permutation(pictures), texts], axis=1))
    assert calibrate(shuffled) is None


def test_an_answer_counts_matches_on_all_pages(pairs):
    vector = pairs.texts[3]
    whole = search(pairs, vector, k=600, kinds=("image",), expected=20)
    page = search(pairs, vector, k=5, start=5, kinds=("image",), expected=20)
    assert whole.matches == page.matches == sum(hit.match for hit in whole.hits)
    assert whole.matches > 5
    least = whole.cut.cosines["image"]
    assert all(hit.match == (hit.cosine >= least) for hit in whole.hits)
    assert whole.cut == by_chance(whole.nulls, whole.n, 20)


def test_the_measurement_says_what_was_promised_and_what_came(monkeypatch):
    monkeypatch.setattr(cuts, "SPLITS", 2)
    monkeypatch.setattr(tails, "TAILS", {"in use": tails.TAILS["the null in use"]})
    found = rows("pairs", made_up(n=240))
    assert json.loads(json.dumps(found)) == found
    named = {row["name"].removeprefix("pairs: "): row for row in found}
    assert 0.2 < named["chance hits, in use, 10 promised"]["ratio"] < 1.5
    assert named["F0.5, first 20"]["value"] < 0.2
    assert named["F0.5, learnt from pairs"]["ratio"] == 1
    kept = [row["value"] for row in found if row["name"].endswith("kept, learnt")]
    assert kept == sorted(kept, reverse=True)


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
    assert f" of {n}. " in found["sentence"]
    _, nothing = ask("xyzzy plugh", "--json")
    assert (nothing["no_match"], nothing["matches"]) == (True, 0)
    assert nothing["sentence"].startswith("Nothing here matches")


def test_the_command_line_draws_the_cut_and_moves_it(planted):
    make, ask = planted
    make(150)
    _, lines = ask("a red thing", "-k", "3")
    first, cut, second, *_ = lines.splitlines()
    assert (first.split()[0], second.split()[0]) == ("1", "2")
    assert cut.startswith("---- cut at cosine 0.")
    assert "1 match of 150. Set to keep" in lines
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
        Query((Part("red"),), expected=1000)
