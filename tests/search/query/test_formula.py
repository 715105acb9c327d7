"""A question written as a formula means its parts; a text that is none stays one text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import BadParameter, InputError
from core.search.query.formula import format_query, parse_query
from core.types.query import Part

WEIGHTS = st.floats(-100, 100).filter(bool)
TEXTS = st.text(min_size=1).filter(str.strip)
PARTS = st.lists(
    st.one_of(
        st.builds(Part, TEXTS, weight=WEIGHTS),
        st.builds(Part, item=TEXTS, weight=WEIGHTS),
    ),
    min_size=1,
    max_size=5,
).map(tuple)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a dog", [Part("a dog")]),
        ("a dog - brown + 2", [Part("a dog - brown + 2")]),
        ("rock 'n' roll isn't \"loud\"", [Part("rock 'n' roll isn't \"loud\"")]),
        ("'tis the season", [Part("'tis the season")]),
        ("imgur: item:", [Part("imgur: item:")]),
        ("-5 degrees", [Part("-5 degrees")]),
        ("3 * 4", [Part("3 * 4")]),
        ('"a beach', [Part("a beach")]),
        ('"', [Part('"')]),
        ('"a dog"', [Part("a dog")]),
        ("'a \"big\" dog'", [Part('a "big" dog')]),
        (r'"a \"big\" \\ dog"', [Part('a "big" \\ dog')]),
        ('"a"+"b"-"c"', [Part("a"), Part("b"), Part("c", weight=-1)]),
        ("img:3f - .5 * 'x'", [Part(item="3f"), Part("x", weight=-0.5)]),
        ('-2e-1*item:"my id" + "a"', [Part(item="my id", weight=-0.2), Part("a")]),
    ],
)
def test_each_form(text, parts):
    assert parse_query(text) == tuple(parts)


@given(PARTS)
@example((Part("rock - 'n' roll"),))
@example((Part(" blanks around "),))
@example((Part('\\"'), Part(item="\\'", weight=1e-5)))
def test_what_is_written_is_read_as_the_same(parts):
    assert parse_query(format_query(parts)) == parts
    assert format_query(parse_query(format_query(parts))) == format_query(parts)


@given(TEXTS.filter(lambda t: not set(t) & {'"', "'", ":"}))
def test_a_text_without_quotes_or_references_is_one_text(text):
    assert parse_query(text) == (Part(text.strip()),)


@given(st.text())
def test_any_text_is_read_or_refused_in_a_sentence(text):
    try:
        assert parse_query(text)
    except InputError as refused:
        assert str(refused).strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("  ", "The query is empty"),
        ('"a" "b"', r"Expected \+ or - at character 5: \"b\"\. Write parts such as"),
        ('a dog + "b"', r"Expected a part at character 1: a dog \+ \"b\"\. .*one pair of"),
        ('"a" + brown', r"Expected \+ or - at character 5"),
        ('"a" - "', r"Expected a closing quote for the one at character 7: \""),
        ('"a" + " "', "Expected a text with words at character 7"),
        ('item:""', "Expected an id at character 6"),
        ("file:me.jpg", "Files are read on the command line only, so file:me.jpg is off"),
        (" + ".join(['"a"'] * 33), "more than 32 parts"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text, sentence):
    with pytest.raises(InputError, match=sentence):
        parse_query(text)


def test_weights_have_a_range():
    for weight in ("0", "101", "1e999"):
        with pytest.raises(BadParameter, match=r"weight is .*; allowed: -100 to 100 without 0"):
            parse_query(f'{weight}*"a"')


def test_files_and_ids_are_asked_for():
    seen = []

    def find(id_, kind):
        seen.append((id_, kind))
        return id_ * 2

    parts = parse_query('img:a + item:b + file:"my dog.jpg"', find=find, read=str.encode)
    assert seen == [("a", "image"), ("b", None)]
    assert parts == (Part(item="aa"), Part(item="bb"), Part(image=b"my dog.jpg"))
    with pytest.raises(InputError, match="cannot be written into a link"):
        format_query(parts)
