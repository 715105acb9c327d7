"""Filters: typed, aligned with the given ids, with a message when they do not fit."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadParameter, UnknownName
from core.store.collection import Collection
from core.store.filters import Field, mask
from core.store.home import Home
from core.store.schema import ATTRIBUTE_TYPES
from core.types.item import Item
from core.types.query import Filter


def text(words: str, labels: tuple[str, ...] = (), **attributes) -> Item:
    return Item("text", words.encode(), f"name of {words}", labels=labels, attributes=attributes)


ITEMS = [
    text("A Dog", ("pet", "50% off"), year=1990, score=0.5, split="train", indoor=True, mixed=1),
    text("étÉ 'x' a_b", ("pet",), year=2000, score=2, split="test", indoor=False, mixed="one"),
    text("bird ΣΟΦΟΣ", ("wild", "pet"), year=2010, split="train", mixed=2.5),
    Item("image", b"image", "dog.jpg", attributes={"kind": "photo", "big": 10**30}),
]


@pytest.fixture
def pets(home) -> Collection:
    pets = Home(home).create("pets")
    for item in ITEMS:
        pets.add([item])
    return pets


def matching(pets: Collection, *conditions: Filter) -> str:
    """Which of ITEMS match, as their numbers."""
    ids = [i.id for i in ITEMS]
    straight, back = pets.mask(conditions, ids), pets.mask(conditions, ids[::-1])
    assert straight.tolist() == back[::-1].tolist()
    return "".join(str(i) for i in straight.nonzero()[0])


@pytest.mark.parametrize(
    ("field", "op", "values", "found"),
    [
        ("kind", "in", ("image",), "3"),
        ("kind", "not in", ("image",), "012"),
        ("label", "in", ("pet",), "012"),
        ("label", "in", ("wild", "50% off"), "02"),
        ("label", "in", ("50%",), ""),
        ("label", "not in", ("wild",), "013"),
        ("label", "contains", ("0% O",), "0"),
        ("name", "contains", ("DOG",), "03"),
        ("text", "contains", ("ÉTé",), "1"),
        ("text", "contains", ("σοφος",), "2"),
        ("text", "contains", ("' X",), ""),
        ("text", "contains", ("'X'",), "1"),
        ("text", "contains", (".",), ""),
        ("text", "contains", ("a_b",), "1"),
        ("text", "contains", ("",), "012"),
        ("year", "between", (1995, None), "12"),
        ("year", "between", (None, 2000), "01"),
        ("year", "between", (1990, 1990), "0"),
        ("year", "between", (1989.5, 2000.5), "01"),
        ("year", "between", (None, None), "012"),
        ("year", "in", (2000, 2010.0, 1990.5), "12"),
        ("year", "not in", (2000,), "023"),
        ("score", "between", (0.5, 2), "01"),
        ("score", "in", (2,), "1"),
        ("split", "in", ("test", "' OR 1=1 --"), "1"),
        ("split", "in", (), ""),
        ("indoor", "in", (False,), "1"),
        ("mixed", "in", ("one", "2.5"), "12"),
        ("mixed", "contains", ("1",), "0"),
        ("kind (attribute)", "in", ("photo",), "3"),
        ("big", "in", (str(10**30),), "3"),
    ],
)
def test_filters_match(pets, field, op, values, found):
    assert matching(pets, Filter(field, op, values)) == found


def test_several_filters_must_all_hold_and_none_means_all(pets):
    train, late = Filter("split", "in", ("train",)), Filter("year", "between", (2000, None))
    assert matching(pets, train, late) == "2"
    assert matching(pets) == "0123"
    assert pets.mask([], ["gone", ITEMS[0].id]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("field", "op", "values", "sentence"),
    [
        ("split", "between", (1, 2), "The filter on 'split' is between; allowed: in, not in, cont"),
        ("indoor", "contains", ("t",), "The filter on 'indoor' is contains; allowed: in, not in"),
        ("year", "contains", ("19",), "The filter on 'year' is contains; allowed: in, not in, bet"),
        ("year", "in", ("1990",), "A value of 'year' is '1990'; allowed: numbers"),
        ("year", "in", (True,), "A value of 'year' is True; allowed: numbers"),
        ("split", "in", (1,), "A value of 'split' is 1; allowed: texts"),
        ("indoor", "in", (1,), "A value of 'indoor' is 1; allowed: true or false"),
        ("label", "in", (None,), "A value of 'label' is None; allowed: texts"),
        ("year", "between", (1,), r"The range of 'year' is \[1\]; allowed: two numbers"),
        ("year", "between", ("a", "b"), "The range of 'year' is .*; allowed: two numbers"),
        ("text", "contains", (5,), "The text in 'text' is .*; allowed: one text"),
    ],
)
def test_a_filter_that_does_not_fit_is_rejected(pets, field, op, values, sentence):
    with pytest.raises(BadParameter, match=sentence):
        matching(pets, Filter(field, op, values))


def test_an_unknown_field_is_named(pets):
    with pytest.raises(UnknownName, match="Did you mean 'year'"):
        matching(pets, Filter("yaer", "in", (1,)))


def test_fields_say_what_widgets_need(pets):
    assert pets.fields() == (
        Field("kind", "str", ("image", "text")),
        Field("label", "str", ("50% off", "pet", "wild")),
        Field("name", "str"),
        Field("text", "str"),
        Field("big", "str", (str(10**30),)),
        Field("indoor", "bool", (False, True)),
        Field("kind (attribute)", "str", ("photo",)),
        Field("mixed", "str", ("1", "2.5", "one")),
        Field("score", "float", (), 0.5, 2.0),
        Field("split", "str", ("test", "train")),
        Field("year", "int", (1990, 2000, 2010), 1990, 2010),
    )


def test_values_of_several_types_come_back_as_they_were(pets):
    assert pets.items([i.id for i in ITEMS[:3]]) == ITEMS[:3]
    assert [i.attributes["mixed"] for i in pets.items([i.id for i in ITEMS[:3]])] == [1, "one", 2.5]


def test_too_many_values_are_not_listed_and_a_not_a_number_does_not_spoil_a_range(home):
    pets = Home(home).create("pets")
    nan, infinite = float("nan"), float("inf")
    values = [nan, infinite, *map(float, range(600))]
    pets.add([text(str(i), code=f"c{i}", size=v) for i, v in enumerate(values)])
    code, size = pets.fields()[-2:]
    assert code == Field("code", "str") and size == Field("size", "float", (), 0.0, 599.0)


def test_filters_follow_what_is_added_and_deleted(pets):
    ids = tuple(i.id for i in ITEMS)
    wild = [Filter("label", "in", ("wild",))]
    assert pets.mask(wild, ids).tolist() == [False, False, True, False]
    pets.delete_items([ITEMS[2].id])
    assert pets.mask(wild, ids).tolist() == [False] * 4
    new = text("wolf", ("wild",), year="unknown")
    pets.add([new])
    assert pets.mask(wild, (*ids, new.id)).tolist() == [False] * 4 + [True]
    assert (
        pets.mask([Filter("year", "in", ("unknown", "1990"))], ids).tolist() == [True] + [False] * 3
    )


@pytest.mark.parametrize(
    ("op", "values", "rows"),
    [
        ("in", (1294030472427835391,), [1]),
        ("in", (1294030472427835391, 10**400, float("inf"), float("nan")), [1]),
        ("not in", (10**30,), [0, 1, 2]),
        ("between", (1294030472427835391, None), [1, 2]),
        ("between", (1294030472427835391, 1294030472427835391), [1]),
        ("between", (0.5, 1e30), [0, 1, 2]),
        ("between", (-(10**400), 10**400), [0, 1, 2]),
        ("between", (10**400, None), []),
        ("between", (float("inf"), None), []),
        ("between", (None, float("inf")), [0, 1, 2]),
        ("between", (1294030472427835391.0, None), [2]),  # the float is ...392
    ],
)
def test_integers_of_19_digits_are_compared_exactly(home, op, values, rows):
    pets = Home(home).create("pets")
    items = [text(str(i), post=1294030472427835390 + i, size=float(i)) for i in range(3)]
    pets.add(items)
    matches = pets.mask([Filter("post", op, values)], [i.id for i in items])
    assert matches.nonzero()[0].tolist() == rows
    size = Filter("size", "between", (-(10**400), 1294030472427835391))
    assert pets.mask([size], [i.id for i in items]).all()
    (post,) = (field for field in pets.fields() if field.name == "post")
    assert (post.type, post.low, post.high) == ("int", None, None)


def test_integers_of_19_digits_stay_exact_beside_decimals(home):
    pets = Home(home).create("pets")
    items = [text("a", post=1294030472427835390), text("b", post=1294030472427835391)]
    pets.add([*items, text("c", post=0.5)])
    ids = [i.id for i in items]
    assert pets.mask([Filter("post", "in", ("1294030472427835391",))], ids).tolist() == [
        False,
        True,
    ]


def test_undecodable_bytes_are_found_as_they_are_stored(home):
    pets = Home(home).create("pets")
    item = Item("text", b"a", "photo-\udcff.jpg", attributes={"folder": "b\udcff"})
    pets.add([item])
    for condition in (
        Filter("name", "contains", ("-\udcff",)),
        Filter("folder", "in", ("b\udcff",)),
    ):
        assert pets.mask([condition], [item.id]).all()


class Columns:
    """One attribute of some items, in place of a snapshot of the store."""

    attributes = ("x",)

    def __init__(self, values, kind):
        self.ids, self.values = values, pa.array(values, ATTRIBUTE_TYPES[kind])

    def attribute(self, name):
        return self.values


WHOLE = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53, 2**53 + 1, 0, 1])
DECIMAL = st.floats(allow_nan=False) | WHOLE.map(float)
ANY = WHOLE | DECIMAL | st.sampled_from([10**400, -(10**400), 2**63, 1e308, 5e-324])
VALUES = {"int": WHOLE, "float": DECIMAL, "str": st.text(max_size=3), "bool": st.booleans()}


@settings(max_examples=200)
@given(data=st.data(), kind=st.sampled_from([*VALUES]))
def test_every_type_is_compared_as_python_compares(data, kind):
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=6))
    bounds = ANY | st.sampled_from([v for v in values if v is not None] or [0])
    if kind in ("int", "float") and data.draw(st.booleans()):
        low, high = data.draw(st.none() | bounds), data.draw(st.none() | bounds)
        condition = Filter("x", "between", (low, high))
        expected = [
            v is not None and (low is None or low <= v) and (high is None or v <= high)
            for v in values
        ]
    else:
        wanted = bounds if kind in ("int", "float") else VALUES[kind]
        known = tuple(data.draw(st.lists(wanted, max_size=3)))
        condition = Filter("x", data.draw(st.sampled_from(["in", "not in"])), known)
        inside = [v is not None and any(v == k for k in known) for v in values]
        expected = [b == (condition.op == "in") for b in inside]
    assert mask(Columns(values, kind), [condition]).tolist() == expected
