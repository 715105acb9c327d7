"""Edits of a person: kept across ingests, and the last one undone."""

import pytest

from core.errors import InputError
from core.store import Home
from tests.fixtures.items import OTHER, STARTER, image, text, unit

CAT, DOG = image(b"cat", labels=("pet",), attributes={"age": 3}), image(b"dog")
ONE, TWO = text("a cat"), text("a dog")
ITEMS = [CAT, DOG, ONE, TWO]
PAIRS = [(CAT.id, ONE.id), (DOG.id, TWO.id)]


@pytest.fixture
def pets(home):
    pets = Home(home).create("pets")
    pets.add(ITEMS, PAIRS, {CAT.id: b"webp", DOG.id: b"webp"})
    pets.write_vectors(STARTER, [i.id for i in ITEMS], unit(4))
    pets.write_vectors(OTHER, [CAT.id], unit(1, 3))
    pets.tags.add("favorite", [CAT.id])
    pets.tags.add("wrong", [PAIRS[0]])
    return pets


def everything(pets):
    ids = pets.ids()
    spaces = [pets.space(passport) for passport in pets.passports()]
    return (
        [(i.id, i.name, i.payload, i.labels, dict(i.attributes)) for i in pets.with_payload(ids)],
        pets.pairs(),
        sorted((tag.name, tag.ids) for tag in pets.tags.all()),
        [(s.ids, s.vectors.tobytes(), s.labels) for s in spaces],
        pets.thumbnails(ids),
        [id_ for id_, _ in pets.search_text("cat")],
    )


EDITS = {
    "3 items labeled": lambda pets: pets.edits.set_labels([CAT.id, DOG.id, ONE.id], ["animal"]),
    "1 item labeled": lambda pets: pets.edits.set_labels([CAT.id, "none such"], []),
    "2 items deleted": lambda pets: pets.edits.delete([CAT.id, TWO.id, "none such"]),
    "1 item tagged favorite": lambda pets: pets.edits.tag("favorite", [[CAT.id], [DOG.id]]),
    "1 item without the tag wrong": lambda pets: pets.edits.untag("wrong", [PAIRS[0], [DOG.id]]),
}


@pytest.mark.parametrize("about", EDITS)
def test_the_last_edit_is_undone_in_another_process_and_once(pets, home, about):
    before = everything(pets)
    EDITS[about](pets)
    assert everything(pets) != before
    elsewhere = Home(home).open("pets")
    assert elsewhere.edits.last() == about
    assert elsewhere.edits.undo() == about
    assert everything(pets) == before and everything(elsewhere) == before
    assert not pets.edits.last() and not pets.edits.labels() and not pets.edits.deleted()
    with pytest.raises(InputError):
        pets.edits.undo()


def test_an_undo_keeps_what_came_in_between(pets):
    pets.edits.set_labels([CAT.id, DOG.id], ["animal"])
    pets.update([image(b"cat", labels=("pet",), attributes={"age": 4, "new": True})])
    pets.delete_items([DOG.id])
    pets.edits.undo()
    cat = pets.items([CAT.id])[0]
    assert (cat.labels, cat.attributes) == (("pet",), {"age": 4, "new": True})
    assert DOG.id not in pets.item_ids()


def test_edits_outlive_a_second_ingest(pets):
    pets.edits.set_labels([CAT.id], [" tiger ", " "])
    pets.edits.delete([DOG.id])
    for _ in range(2):
        pets.add(ITEMS, PAIRS, {DOG.id: b"webp"})
        pets.write_vectors(STARTER, [i.id for i in ITEMS], unit(4), replace=True)
        pets.update([CAT])
        pets.optimize()
    assert pets.items([CAT.id])[0].labels == ("tiger",)
    assert DOG.id not in pets.item_ids() | pets.vector_ids(STARTER)
    assert DOG.id not in pets.pairs() and not pets.thumbnails([DOG.id])
    assert pets.edits.allow_deleted() == 1
    pets.add(ITEMS)
    assert DOG.id in pets.item_ids()


def test_a_kept_copy_goes_with_the_next_edit(pets, home):
    def copies():
        return len([p for p in home.rglob("originals/*/*") if p.is_file()])

    pets.edits.delete([CAT.id])
    assert copies() == 2
    pets.edits.tag("favorite", [[DOG.id]])
    assert copies() == 1
