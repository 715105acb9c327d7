"""Conditions written as text mean what they say, and nothing else gets through."""

from math import inf, nextafter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.errors import InputError
from core.search.query.filters import format_filters, parse_filters
from core.types.query import Filter

TYPES = {"label": "str", "year": "int", "size": "float", "warm": "bool", "name": "str"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("label = dog", Filter("label", "in", ("dog",))),
        ("label != 3", Filter("label", "not in", ("3",))),
        ("label not in (a, b)", Filter("label", "not in", ("a", "b"))),
        ("year between 1999 and 2004", Filter("year", "between", (1999, 2004))),
        ("size <= .5", Filter("size", "between", (None, 0.5))),
        ("year > 3", Filter("year", "between", (4, None))),
        (f"year > 1{'0' * 400}", Filter("year", "between", (10**400 + 1, None))),
        ("year<2.5", Filter("year", "between", (None, 2))),
        ("size > 3", Filter("size", "between", (nextafter(3, 4), None))),
        ("size < -inf", Filter("size", "between", (inf, -inf))),
        ("warm = true", Filter("warm", "in", (True,))),
        ('name contains "a \\"b\\" and c"', Filter("name", "contains", ('a "b" and c',))),
    ],
)
def test_each_form(text, expected):
    assert parse_filters(text, TYPES) == (expected,)


FIELDS = st.text(min_size=1).filter(str.strip)
FILTERS = st.one_of(
    st.builds(
        Filter,
        FIELDS,
        st.sampled_from(["in", "not in"]),
        st.lists(st.text(), min_size=1).map(tuple),
    ),
    st.builds(Filter, FIELDS, st.just("contains"), st.tuples(st.text())),
    st.builds(Filter, st.just("year"), st.just("between"), st.tuples(st.integers(), st.integers())),
    st.builds(Filter, st.just("year"), st.just("between"), st.tuples(st.none(), st.integers())),
    st.builds(Filter, st.just("size"), st.just("in"), st.tuples(st.floats(allow_nan=False))),
    st.builds(Filter, st.just("warm"), st.just("in"), st.tuples(st.booleans())),
)


@given(st.lists(FILTERS, min_size=1))
def test_what_is_written_is_read_back(filters):
    typed = [f for f in filters if f.field not in TYPES or f.field in ("year", "size", "warm")]
    assume(typed)
    assert parse_filters(format_filters(typed), TYPES) == tuple(typed)


def test_conditions_are_joined():
    assert len(parse_filters("label = a and year between 1 and 2 and warm = false", TYPES)) == 3


NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False), st.integers(2**53, 2**54))


@given(NUMBERS, st.sampled_from(["year", "size"]), NUMBERS)
def test_above_is_what_is_not_at_most(bound, field, value):
    value = float(value) if field == "size" else int(value) if abs(value) < inf else 0
    holds = {}
    for op in (">", "<", ">=", "<="):
        (condition,) = parse_filters(f"{field} {op} {bound!r}", TYPES)
        low, high = condition.values
        holds[op] = (low is None or low <= value) and (high is None or value <= high)
    assert (holds[">"], holds["<"]) == (value > bound, value < bound)
    assert (holds[">="], holds["<="]) == (value >= bound, value <= bound)


@given(st.text(min_size=1).filter(lambda s: s.strip()))
def test_any_quoted_text_comes_out_as_it_went_in(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_filters(f'label = "{quoted}"', TYPES) == (Filter("label", "in", (text,)),)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        assert parse_filters(text, TYPES)
    except InputError as refusal:
        assert "Write filters such as" in str(refusal)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The filter is empty"),
        ("label", "The filter ends where a comparison after 'label'"),
        ("label like x", "'like' after 'label' is not a comparison. Comparisons: =, !=, >, >="),
        ("year = soon", "'soon' is not a number"),
        ("label = a label = b", "must be joined by 'and'"),
        ("label in (a", "The filter ends where a '\\)'"),
        ("label = 'open", "cannot be parsed from"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(text, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_filters(text, TYPES)
