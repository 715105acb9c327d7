"""Tags on items and pairs: kept across writes, filtered by, gone with their items."""

import pytest

from core.errors import BadParameter
from core.store import Home, table
from core.types import Filter
from tests.fixtures.items import image, text

CAT, DOG = image(b"cat"), image(b"dog")
ONE, TWO = text("a cat"), text("a dog")
IDS = [i.id for i in (CAT, DOG, ONE, TWO)]


@pytest.fixture
def pets(home):
    pets = Home(home).create("pets")
    pets.add([CAT, DOG, ONE, TWO], [(CAT.id, ONE.id), (DOG.id, TWO.id), (CAT.id, TWO.id)])
    return pets


def said(pets):
    return [(tag.name, *tag.ids) for tag in pets.tags.all()]


def test_tags_are_read_by_another_process_in_their_order_and_once(pets, home):
    pets.tags.add("wrong caption", [(CAT.id, TWO.id), (CAT.id, TWO.id)])
    pets.tags.add("favorite", [DOG.id])
    pets.tags.add("wrong caption", [(CAT.id, TWO.id)])
    elsewhere = Home(home).open("pets")
    assert said(elsewhere) == [("wrong caption", CAT.id, TWO.id), ("favorite", DOG.id)]
    before = elsewhere.tags.version()
    pets.tags.remove("wrong caption", [(CAT.id, TWO.id), (DOG.id, TWO.id)])
    assert said(elsewhere) == [("favorite", DOG.id)]
    assert elsewhere.tags.version() != before


def test_the_vectors_need_not_be_read_again(pets):
    before = pets.version()
    pets.tags.add("favorite", [DOG.id])
    assert pets.version() == before


def test_they_outlive_a_repeated_ingest_and_go_with_their_items(pets):
    pets.tags.add("wrong caption", [(CAT.id, TWO.id), (CAT.id, ONE.id)])
    pets.tags.add("favorite", [CAT.id, DOG.id])
    pets.add([CAT, DOG, ONE, TWO], [(CAT.id, ONE.id)])
    pets.optimize()
    assert len(said(pets)) == 4
    pets.delete_items([ONE.id, DOG.id])
    assert said(pets) == [("wrong caption", CAT.id, TWO.id), ("favorite", CAT.id)]


def test_a_tag_goes_with_its_pair(pets):
    pets.tags.add("wrong caption", [(CAT.id, TWO.id), (DOG.id, TWO.id)])
    pets.unpair([(CAT.id, TWO.id)])
    assert said(pets) == [("wrong caption", DOG.id, TWO.id)]


@pytest.mark.parametrize(
    ("op", "values", "found"),
    [
        ("in", ("wrong caption",), [True, False, False, True]),
        ("not in", ("wrong caption",), [False, True, True, False]),
        ("in", ("favorite", "none such"), [False, True, False, False]),
        ("contains", ("CAPTION",), [True, False, False, True]),
    ],
)
def test_a_pairs_tag_is_that_of_both_its_ends(pets, op, values, found):
    pets.tags.add("wrong caption", [(CAT.id, TWO.id)])
    pets.tags.add("favorite", [DOG.id])
    assert pets.mask([Filter("tag", op, values)], IDS).tolist() == found


def test_the_field_is_offered_once_there_are_tags(pets):
    assert "tag" not in [field.name for field in pets.fields()]
    pets.tags.add("favorite", [DOG.id])
    assert [field.values for field in pets.fields() if field.name == "tag"] == [("favorite",)]


def test_an_attribute_of_that_name_goes_first(pets):
    pets.add([text("new", attributes={"tag": "old"})])
    pets.tags.add("favorite", [DOG.id])
    assert [field.values for field in pets.fields() if field.name == "tag"] == [("old",)]
    assert not pets.mask([Filter("tag", "in", ("favorite",))], IDS).any()


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 61])
def test_a_tag_is_one_short_line(pets, name):
    with pytest.raises(BadParameter):
        pets.tags.add(name, [DOG.id])


def test_a_range_of_tags_is_rejected(pets):
    with pytest.raises(BadParameter):
        pets.mask([Filter("tag", "between", (1, 2))], IDS)


def test_a_tag_on_more_items_than_fit_into_one_condition_comes_and_goes(pets, monkeypatch):
    monkeypatch.setattr(table, "IDS_PER_CONDITION", 2)
    many = [text(f"caption {i}") for i in range(9)]
    pets.add(many, [])
    ids = [item.id for item in many]
    pets.edits.tag("many", ids)
    assert pets.tags.items("many") == ids and pets.tags.of_items(ids[3:4]) == {ids[3]: ["many"]}
    pets.edits.untag("many", ids[:7])
    assert pets.tags.items("many") == ids[7:]
    pets.edits.undo()
    assert pets.tags.items("many") == ids
    pets.edits.tag("more", ids)
    pets.edits.undo()
    assert pets.tags.names() == ("many",)
    pets.edits.untag("many", ids)
    assert not pets.tags.items("many") and not pets.tags.all()


def test_names_are_those_of_items_or_of_all(pets):
    pets.tags.add("wrong caption", [(CAT.id, TWO.id)])
    pets.tags.add("favorite", [DOG.id])
    assert pets.tags.names() == ("favorite", "wrong caption")
    assert pets.tags.names(of_items=True) == ("favorite",)
    assert pets.tags.of_items(IDS) == {DOG.id: ["favorite"]}
    assert pets.values("tag", IDS) == ["wrong caption", "favorite", None, "wrong caption"]
