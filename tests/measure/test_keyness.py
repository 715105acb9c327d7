"""Over-represented words and attributes against closed forms and scipy."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from core.measure import draw_units, key_terms, name_of, nearest_texts, occurrences
from core.measure.keyness import exact_p
from core.types import Space


def seen(texts, fields=None):
    unit = np.arange(len(texts))
    return occurrences(unit, unit, unit, texts, fields or {})


def test_a_term_of_all_and_of_no_others_has_the_chance_of_drawing_just_these():
    texts = ["red"] * 6 + ["blue"] * 9
    first = np.arange(15) < 6
    by_term = {t.term: t for t in key_terms(seen(texts), first, ~first)}
    assert by_term["red"].p == pytest.approx(2 / comb(15, 6))
    assert by_term["red"].odds == pytest.approx(6.5 * 9.5 / (0.5 * 0.5))
    assert by_term["blue"].odds == pytest.approx(1 / by_term["red"].odds)
    assert by_term["red"].low < by_term["red"].odds < by_term["red"].high
    assert name_of(by_term.values()) == "red"


@settings(max_examples=40)
@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_p_values_are_twice_the_smaller_tail_of_fishers_test(a, b, c, d):
    table = [[a, b], [c, d]]
    tails = [fisher_exact(table, side).pvalue for side in ("less", "greater")]
    p = exact_p(np.array([a]), a + b, np.array([c]), c + d)[0]
    assert p == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-6, abs=1e-12)


def test_of_random_words_almost_none_is_special():
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{chr(97 + i)}" for i in rng.choice(26, 5)) for _ in range(400)]
    found = seen(texts)
    reported = [key_terms(found, m, ~m) for m in rng.random((40, 400)) < 0.3]
    assert sum(map(bool, reported)) <= 5  # 5% of 40 selections, and three standard errors


def test_captions_of_one_image_count_once():
    vectors = np.eye(12, dtype=np.float32)
    pairs = np.array([[0, text] for text in range(2, 12)])
    space = Space(vectors, tuple("abcdefghijkl"), 2, pairs)
    unit = space.image_of
    counted = draw_units(unit, np.arange(12))
    assert counted.tolist() == [0, 1]
    found = occurrences(unit, counted, np.arange(12), ["", "", *["a dog"] * 10], {})
    assert found.has.toarray().tolist() == [[1], [0]]
    assert found.mask(np.array([5])).tolist() == [True, False]  # a caption stands for its image


def test_attributes_count_by_value_and_many_numbers_by_ranges():
    numbers = list(range(40))
    found = seen(
        [""] * 40, {"warm": [True] * 20 + [None] * 20, "size": numbers, "label": [()] * 40}
    )
    assert set(zip(found.fields, found.terms, strict=True)) == {
        ("warm", "True"),
        *(("size", r) for r in ("0 to 9", "10 to 19", "20 to 29", "30 to 39")),
    }
    top = key_terms(found, np.arange(40) < 20, np.arange(40) >= 20)
    assert top[0].field == "warm" and {t.term for t in top if t.odds < 1} == {
        "20 to 29", "30 to 39",
    }  # fmt: skip


def test_the_nearest_texts_name_images_across_a_modality_gap():
    rng = np.random.default_rng(0)
    topic = np.repeat(np.eye(3, 8), 10, axis=0)
    images = topic + [0, 0, 0, 3, 0, 0, 0, 0] + rng.normal(size=(30, 8)) / 20
    texts = topic + [0, 0, 0, 0, 3, 0, 0, 0] + rng.normal(size=(30, 8)) / 20
    vectors = np.concatenate([images, texts])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = Space(vectors.astype(np.float32), tuple(map(str, range(60))), 30)
    for at in range(3):
        best = nearest_texts(space, np.arange(10 * at, 10 * at + 10))
        assert set((best - 30) // 10) == {at}
